//go:build invariants || race

package invariants

// Enabled says whether costly assertions run.
const Enabled = true
