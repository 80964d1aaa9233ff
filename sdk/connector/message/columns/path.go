package columns

// Path names a place in a row for messages, as in route.origin, tags[] and
// legs[].origin: a field and the path from there on, which is empty for the field.
func Path(field, inner string) string {
	switch {
	case inner == "":
		return field
	case inner[0] == '[':
		return field + inner
	}
	return field + "." + inner
}
