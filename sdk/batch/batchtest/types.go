package batchtest

import "github.com/leatflow/leat/sdk/batch"

// Scalar returns the type of a kind without children.
func Scalar(k batch.Kind) *batch.Type { return &batch.Type{Kind: k} }

// Nullable returns the same type with null.
func Nullable(t *batch.Type) *batch.Type {
	n := *t
	n.Nullable = true
	return &n
}

// StructOf returns a struct of fields.
func StructOf(fields ...batch.Field) *batch.Type {
	return &batch.Type{Kind: batch.Struct, Fields: fields}
}

// ListOf returns a list of elements.
func ListOf(element *batch.Type) *batch.Type {
	return &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: element}}}
}

// MapOf returns a map from keys to values.
func MapOf(key, value *batch.Type) *batch.Type {
	return &batch.Type{Kind: batch.Map, Fields: []batch.Field{{Name: "key", Type: key}, {Name: "value", Type: value}}}
}
