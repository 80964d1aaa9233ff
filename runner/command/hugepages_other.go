//go:build !linux

package command

// adviseHugePages does nothing here: other systems decide by themselves.
func adviseHugePages(int64) {}
