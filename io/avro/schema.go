package avro

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/twmb/avro"

	"github.com/leatflow/leat/sdk/connector/message/registry"
)

// schema is a parsed schema and the named types within it and those it refers to.
type schema struct {
	parsed *avro.Schema
	root   *avro.SchemaNode
	names  map[string]*avro.SchemaNode

	namespaces map[*avro.SchemaNode]string // in which nodes that define no name stand
}

func parse(text string) (*schema, error) {
	return parseAll(registry.Schema{Text: text})
}

// parseAll parses a schema of the registry behind those it refers to.
func parseAll(s registry.Schema) (*schema, error) {
	if s.Type != sr.TypeAvro {
		return nil, fmt.Errorf("the schema is one of %s, not of Avro", s.Type)
	}
	all := &schema{names: make(map[string]*avro.SchemaNode), namespaces: make(map[*avro.SchemaNode]string)}
	cache := new(avro.SchemaCache)
	for _, r := range s.References {
		parsed, err := cache.Parse(r.Text)
		if err != nil {
			return nil, unparsed("what a schema refers to as "+r.Name, err)
		}
		all.collect(parsed.Root(), "")
	}
	parsed, err := cache.Parse(s.Text)
	if err != nil {
		return nil, unparsed("the schema", err)
	}
	all.parsed, all.root = parsed, parsed.Root()
	all.collect(all.root, "")
	return all, nil
}

// collect notes the named types of a tree and what its references mean: a name
// without dots is one of the namespace it stands in. A reference is a leaf of the
// tree, so the tree ends.
func (s *schema) collect(n *avro.SchemaNode, namespace string) {
	switch n.Type {
	case "record", "error", "enum", "fixed":
		namespace = n.Namespace
		name := n.Name
		if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
			namespace = name[:dot]
		} else if namespace != "" {
			name = namespace + "." + name
		}
		s.names[name] = n
	default:
		s.namespaces[n] = namespace
	}
	for i := range n.Fields {
		s.collect(&n.Fields[i].Type, namespace)
	}
	for i := range n.Branches {
		s.collect(&n.Branches[i], namespace)
	}
	if n.Items != nil {
		s.collect(n.Items, namespace)
	}
	if n.Values != nil {
		s.collect(n.Values, namespace)
	}
}

// look returns the definition behind a reference, and other nodes as they are.
func (s *schema) look(n *avro.SchemaNode) *avro.SchemaNode {
	namespace, unnamed := s.namespaces[n]
	if !unnamed {
		return n
	}
	if namespace != "" && !strings.Contains(n.Type, ".") {
		if defined, ok := s.names[namespace+"."+n.Type]; ok {
			return defined
		}
	}
	if defined, ok := s.names[n.Type]; ok {
		return defined
	}
	return n
}

// describe names the type of a node for messages.
func describe(n *avro.SchemaNode) string {
	switch {
	case n.LogicalType != "":
		return n.Type + " (" + n.LogicalType + ")"
	case n.Name != "":
		return n.Type + " " + n.Name
	}
	return n.Type
}
