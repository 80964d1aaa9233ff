package avro

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/twmb/avro"

	"github.com/leatflow/leat/sdk/batch"
)

// derive returns the schema of rows of a type. Records within records are named
// after the path to them.
func derive(t *batch.Type, name string) (*schema, error) {
	node, err := nodeOf(t, name)
	if err != nil {
		return nil, err
	}
	parsed, err := node.Schema()
	if err != nil {
		return nil, fmt.Errorf("the row type has no Avro schema: %w", err)
	}
	return parse(parsed.String())
}

var nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func nodeOf(t *batch.Type, name string) (avro.SchemaNode, error) {
	n, err := plainNodeOf(t, name)
	if err != nil || !t.Nullable {
		return n, err
	}
	return avro.SchemaNode{Type: "union", Branches: []avro.SchemaNode{{Type: "null"}, n}}, nil
}

func plainNodeOf(t *batch.Type, name string) (n avro.SchemaNode, err error) {
	switch t.Kind {
	case batch.Bool:
		n.Type = "boolean"
	case batch.Int8, batch.Int16, batch.Int32, batch.Uint8, batch.Uint16:
		n.Type = "int"
	case batch.Int64, batch.Uint32, batch.Uint64:
		n.Type = "long"
	case batch.Float32:
		n.Type = "float"
	case batch.Float64:
		n.Type = "double"
	case batch.String, batch.Bytes:
		n.Type = t.Kind.String()
	case batch.Time:
		n.Type, n.LogicalType = "long", "timestamp-micros"
	case batch.List:
		var inner avro.SchemaNode
		inner, err = nodeOf(t.Fields[0].Type, name)
		n.Type, n.Items = "array", &inner
	case batch.Map:
		var inner avro.SchemaNode
		inner, err = nodeOf(t.Fields[1].Type, name)
		n.Type, n.Values = "map", &inner
	case batch.Struct:
		n.Type, n.Name = "record", name
		for _, f := range t.Fields {
			if !nameForm.MatchString(f.Name) {
				return n, fmt.Errorf("field %q: no Avro field has such a name; it is made of letters, digits and _", f.Name)
			}
			inner, err := nodeOf(f.Type, name+"_"+f.Name)
			if err != nil {
				return n, fmt.Errorf("field %s: %w", f.Name, err)
			}
			n.Fields = append(n.Fields, avro.SchemaField{Name: f.Name, Type: inner, HasDefault: f.Type.Nullable})
		}
	}
	return n, err
}

// recordName makes a name of a topic's.
func recordName(topic string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, topic)
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return "_" + name
	}
	return name
}
