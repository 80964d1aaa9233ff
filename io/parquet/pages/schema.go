package pages

import (
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
)

// Numbers of the format.
const (
	physicalBool = iota
	physicalInt32
	physicalInt64
	physicalInt96
	physicalFloat
	physicalDouble
	physicalBytes
	physicalFixed
)

const (
	required = iota
	optional
	repeated
)

// Members of the LogicalType union.
const (
	logicalString    = 1
	logicalMap       = 2
	logicalList      = 3
	logicalEnum      = 4
	logicalDecimal   = 5
	logicalDate      = 6
	logicalTime      = 7
	logicalTimestamp = 8
	logicalInt       = 10
	logicalJSON      = 12
	logicalFloat16   = 15
)

// Converted types, which came before logical ones.
const (
	convertedUTF8 = iota
	convertedMap
	convertedMapKeyValue
	convertedList
	convertedEnum
	convertedDecimal
	convertedDate
	convertedTimeMillis
	convertedTimeMicros
	convertedMillis
	convertedMicros
	convertedUint8
	convertedUint16
	convertedUint32
	convertedUint64
	convertedInt8
	convertedInt16
	convertedInt32
	convertedInt64
	convertedJSON
)

// conversion says what turns a stored number into the batch's.
type conversion uint8

const (
	asStored conversion = iota
	narrow              // an integer of 8 or 16 bits, to be checked
	unsigned32
	fromMillis
	fromMicros
	fromNanos
	fromDays
	fromHalf // IEEE half precision
)

// Node is a column of the schema, with the levels that say where it is present.
//
// A node has a slot for every row or, inside a list, for every element of the
// innermost one: where the definition level is at least slotDef and the
// repetition level at most rep. It is null in a slot whose definition level is
// below def, be it by itself or with a struct around it (at parentDef).
type Node struct {
	Name     string
	Type     *batch.Type // Kind Invalid: not supported, see Why
	Why      string      // what is not supported about the type
	Children []*Node     // as Type.Fields

	slotDef, parentDef, def, rep int
	leaf                         *leaf // nil for groups
}

// leaf is a node that is stored: one column chunk in every row group.
type leaf struct {
	index          int    // of the chunk
	path           string // for messages
	physical       int
	length         int // of a fixed-length byte array
	kind           batch.Kind
	convert        conversion
	maxDef, maxRep int
}

// Child returns the child called name, or nil.
func (n *Node) Child(name string) *Node {
	for _, c := range n.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// leaves calls each for the leaves under n, in file order.
func (n *Node) leaves(each func(*Node)) {
	if n.leaf != nil {
		each(n)
		return
	}
	for _, c := range n.Children {
		c.leaves(each)
	}
}

// Unsupported returns the first node at or under n whose type cannot be read.
func (n *Node) Unsupported() *Node {
	if n.Type.Kind == batch.Invalid {
		return n
	}
	for _, c := range n.Children {
		if u := c.Unsupported(); u != nil {
			return u
		}
	}
	return nil
}

// builder turns the flat list of schema elements into a tree.
type builder struct {
	elements []element
	next     int
	leaves   int
}

func buildSchema(elements []element) (*Node, int, error) {
	if len(elements) == 0 {
		return nil, 0, fmt.Errorf("has no schema")
	}
	root := elements[0]
	if root.children < 0 {
		return nil, 0, fmt.Errorf("has a schema whose root is not a group")
	}
	b := &builder{elements: elements, next: 1}
	n := &Node{Name: root.name}
	if err := b.children(n, int(root.children), "", 0); err != nil {
		return nil, 0, err
	}
	if b.next != len(elements) {
		return nil, 0, fmt.Errorf("has %d schema elements outside of its tree", len(elements)-b.next)
	}
	n.Type = structType(n.Children, false)
	return n, b.leaves, nil
}

func structType(children []*Node, nullable bool) *batch.Type {
	t := &batch.Type{Kind: batch.Struct, Nullable: nullable}
	for _, c := range children {
		t.Fields = append(t.Fields, batch.Field{Name: c.Name, Type: c.Type})
	}
	return t
}

func (b *builder) children(parent *Node, n int, path string, depth int) error {
	for range n {
		c, err := b.node(parent, path, depth+1)
		if err != nil {
			return err
		}
		parent.Children = append(parent.Children, c)
	}
	return nil
}

func (b *builder) take(path string, depth int) (*element, string, error) {
	if depth > depthMax {
		return nil, "", fmt.Errorf("has a schema nested more than %d deep", depthMax)
	}
	if b.next >= len(b.elements) {
		return nil, "", fmt.Errorf("has a schema that ends inside group %q", path)
	}
	e := &b.elements[b.next]
	b.next++
	if path != "" {
		path += "."
	}
	return e, path + e.name, nil
}

// element returns a node for the elements of list n.
func (n *Node) element() *Node {
	d := n.def + 1
	return &Node{Name: "element", slotDef: d, parentDef: d, def: d, rep: n.rep + 1}
}

// nullable reports whether n can be null where what is around it is not.
func (n *Node) nullable() bool { return n.def > n.parentDef }

// node reads the next element, a child of parent, and what is under it.
func (b *builder) node(parent *Node, path string, depth int) (*Node, error) {
	e, path, err := b.take(path, depth)
	if err != nil {
		return nil, err
	}
	n := &Node{Name: e.name, slotDef: parent.slotDef, parentDef: parent.def, def: parent.def, rep: parent.rep}
	switch e.repetition {
	case required:
	case optional:
		n.def++
	case repeated: // without a LIST around it: a list that is never null, of elements that are not either
		item := n.element()
		if err := b.fill(item, e, path, depth); err != nil {
			return nil, err
		}
		n.Children = []*Node{item}
		n.Type = listType(batch.List, n)
		return n, nil
	default:
		return nil, fmt.Errorf("has no valid repetition for column %q", path)
	}
	return n, b.fill(n, e, path, depth)
}

// fill completes n, whose levels are set, from its element and those under it.
func (b *builder) fill(n *Node, e *element, path string, depth int) error {
	if n.def > 255 || n.rep > 255 {
		return fmt.Errorf("has a schema nested too deep at %q", path)
	}
	nullable := n.nullable()
	if e.children < 0 {
		n.leaf = &leaf{index: b.leaves, path: path, physical: int(e.physical), length: int(e.length), maxDef: n.def, maxRep: n.rep}
		b.leaves++
		n.Why = n.leaf.interpret(e)
		n.Type = &batch.Type{Kind: n.leaf.kind, Nullable: nullable}
		return nil
	}
	if e.children == 0 {
		return fmt.Errorf("has a group %q without columns", path)
	}
	if e.children == 1 && b.next < len(b.elements) && b.elements[b.next].repetition == repeated {
		switch {
		case e.logical == logicalList || e.logical == 0 && e.converted == convertedList:
			return b.list(n, e.name, path, depth+1)
		case e.logical == logicalMap || e.logical == 0 && (e.converted == convertedMap || e.converted == convertedMapKeyValue):
			if b.elements[b.next].children == 2 {
				return b.mapping(n, path, depth+1)
			}
		}
	}
	if err := b.children(n, int(e.children), path, depth); err != nil {
		return err
	}
	n.Type = structType(n.Children, nullable)
	return nil
}

func listType(k batch.Kind, n *Node) *batch.Type {
	t := structType(n.Children, n.nullable())
	t.Kind = k
	return t
}

// list reads the repeated element under a group annotated LIST. Since the format
// allowed a repeated element to be the list's element itself, the rules of its
// compatibility section decide.
func (b *builder) list(n *Node, name, path string, depth int) error {
	e, inner, err := b.take(path, depth)
	if err != nil {
		return err
	}
	item := n.element()
	if e.children == 1 && e.name != "array" && e.name != name+"_tuple" {
		if item, err = b.node(item, inner, depth+1); err != nil {
			return err
		}
		item.Name = "element"
	} else if err := b.fill(item, e, inner, depth); err != nil {
		return err
	}
	n.Children = []*Node{item}
	n.Type = listType(batch.List, n)
	return nil
}

// mapping reads the repeated pair under a group annotated MAP.
func (b *builder) mapping(n *Node, path string, depth int) error {
	_, inner, err := b.take(path, depth)
	if err != nil {
		return err
	}
	pair := n.element()
	if err := b.children(pair, 2, inner, depth); err != nil {
		return err
	}
	n.Children = pair.Children
	n.Children[0].Name, n.Children[1].Name = "key", "value"
	n.Type = listType(batch.Map, n)
	return nil
}
