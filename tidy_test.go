package repository

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

const (
	fileLinesMost     = 800
	testLinesMost     = 1500
	functionLinesMost = 70
)

// longFunctions may be longer than functionLinesMost. The list may only shrink.
var longFunctions = map[string]string{}

// vagueNames are package names that say nothing.
var vagueNames = regexp.MustCompile(`^(util|utils|common|manager|helper|helpers|impl|base|core|types|misc)$`)

// unfinished are words that announce work instead of doing it.
var unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)

// Every file is formatted, of bearable length, documented where it is exported,
// and finished.
func TestTidy(t *testing.T) {
	packageDocs := make(map[string]bool)
	packages := make(map[string]bool)
	walkGo(t, func(file string) {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		test := strings.HasSuffix(file, "_test.go")
		checkText(t, file, source, test)
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, file, source, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		checkFunctions(t, fset, file, f, test)
		if test {
			return
		}
		dir := path.Dir(file)
		packages[dir] = true
		packageDocs[dir] = packageDocs[dir] || f.Doc != nil
		if vagueNames.MatchString(f.Name.Name) {
			t.Errorf("%s: package %s has a name that says nothing", file, f.Name.Name)
		}
		checkDocs(t, fset, file, f)
	})
	for dir := range packages {
		if !packageDocs[dir] {
			t.Errorf("%s has no package comment: what is it, and what is its one central idea?", dir)
		}
	}
}

func checkText(t *testing.T, file string, source []byte, test bool) {
	lines := bytes.Count(source, []byte("\n"))
	most := fileLinesMost
	if test {
		most = testLinesMost
	}
	if lines > most {
		t.Errorf("%s has %d lines, more than %d: split it by noun", file, lines, most)
	}
	if formatted, err := format.Source(source); err != nil || !bytes.Equal(formatted, source) {
		t.Errorf("%s is not formatted: gofmt -w %s", file, file)
	}
	if w := unfinished.Find(source); w != nil {
		t.Errorf("%s says %s: do it, or say in prose what is not there", file, w)
	}
}

func checkFunctions(t *testing.T, fset *token.FileSet, file string, f *ast.File, test bool) {
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil || test {
			continue
		}
		lines := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1
		name := file + ":" + fn.Name.Name
		if lines > functionLinesMost && longFunctions[name] == "" {
			t.Errorf("%s has %d lines, more than %d: the parent decides, the leaves compute", name, lines, functionLinesMost)
		}
	}
}

// checkDocs wants a comment on every exported name of a package that can be
// imported from outside, and on every exported name elsewhere all the same.
func checkDocs(t *testing.T, fset *token.FileSet, file string, f *ast.File) {
	missing := func(name *ast.Ident) {
		t.Errorf("%s: exported %s has no comment", fset.Position(name.Pos()), name.Name)
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
				missing(d.Name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
						missing(s.Name)
					}
				case *ast.ValueSpec:
					for _, n := range s.Names {
						if n.IsExported() && s.Doc == nil && d.Doc == nil && s.Comment == nil {
							missing(n)
						}
					}
				}
			}
		}
	}
}

// exportedReceiver reports whether a function is a plain one or a method of an
// exported type; methods of others are documented by the interface they meet.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	expr := d.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.IsExported()
		default:
			return false
		}
	}
}
