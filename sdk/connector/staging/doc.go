// Package staging is what every sink of files needs once: a place to write where
// no reader looks, and a commit that shows all files or none.
//
// The one central idea: a final name is given to a file only when its bytes are
// on disk, and by link(2), which fails when the name is taken. So a reader never
// sees half a file, and two runs into one directory cannot mix.
//
//	out/                              the target
//	├── .leat-staging-6X3…/           0700, hidden, one per run
//	│   ├── 0  ───────────────────┐   written, fsynced
//	│   ├── 1  ───────────────────┼─┐
//	│   └── replaced/0, 1 …       │ │ with Overwrite: the files of the run before
//	├── part-00000.parquet  ◀─link┘ │ Commit
//	└── origin=ATL/                 │ made by Commit, where directories are Nested
//	    └── part-00001.parquet  ◀───┘
//
// Commit links every file, fsyncs their directories and then removes the staging
// directory. A name that exists, a full disk or any other failure on the way
// takes back the links made so far. What a crash in the middle of Commit can
// leave is a prefix of the names, each complete; a crash before it leaves a
// hidden directory that readers ignore and a person may delete.
//
// With Overwrite the files of the run before are moved aside into the staging
// directory before the first link, and moved back when the commit fails: for a
// moment a reader sees neither old nor new, but never a mixture.
//
// Permissions: the staging directory is 0700, so nobody else reads unfinished
// data; files are created 0644 and directories 0755, both less the umask, so
// that they need no chmod when they are linked out.
//
// On a file system without hard links the final name is claimed by creating it
// empty and exclusively, and the staged file is renamed over the claim; a reader
// may then see an empty file for an instant.
package staging
