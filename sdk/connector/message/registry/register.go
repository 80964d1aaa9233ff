package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/twmb/franz-go/pkg/sr"
)

// Subject names the schemas of a topic, as Confluent's TopicNameStrategy does.
func Subject(topic string, key bool) string {
	if key {
		return topic + "-key"
	}
	return topic + "-value"
}

// ID returns the id of a schema under a subject. register makes it known there
// when it is not, which the registry refuses when it is not compatible with what
// is there; without, the schema must be there already. A refusal is a plain error,
// a registry that does not answer a *message.Unavailable.
func (r *Registry) ID(ctx context.Context, subject string, wanted sr.Schema, register bool) (int, error) {
	client, err := r.open()
	if err != nil {
		return 0, err
	}
	if !register {
		found, err := client.LookupSchema(ctx, subject, wanted)
		switch {
		case notFound(err, sr.ErrSubjectNotFound), notFound(err, sr.ErrSchemaNotFound):
			return 0, fmt.Errorf("subject %s of the schema registry %s does not have the schema of the rows, and nothing is to be registered; have it registered: %s", subject, r, wanted.Schema)
		case err != nil:
			return 0, r.unavailable("the id of the schema of subject "+subject, err)
		}
		return found.ID, nil
	}
	id, err := client.RegisterSchema(ctx, subject, wanted, -1, -1)
	var answer *sr.ResponseError
	if errors.As(err, &answer) {
		switch answer.StatusCode {
		case http.StatusConflict:
			return 0, fmt.Errorf("the schema registry %s refuses the schema of the rows for subject %s, as it is not compatible with the one there: %w; the schema is %s", r, subject, err, wanted.Schema)
		case http.StatusUnprocessableEntity:
			return 0, fmt.Errorf("the schema registry %s refuses the schema of the rows for subject %s: %w; the schema is %s", r, subject, err, wanted.Schema)
		}
	}
	if err != nil {
		return 0, r.unavailable("an id for the schema of subject "+subject, err)
	}
	return id, nil
}

// Version returns the version of a schema under a subject, which others refer to it
// by. register is as for ID.
func (r *Registry) Version(ctx context.Context, subject string, wanted sr.Schema, register bool) (int, error) {
	if _, err := r.ID(ctx, subject, wanted, register); err != nil {
		return 0, err
	}
	client, err := r.open()
	if err != nil {
		return 0, err
	}
	found, err := client.LookupSchema(ctx, subject, wanted)
	if err != nil {
		return 0, r.unavailable("the version of the schema of subject "+subject, err)
	}
	return found.Version, nil
}
