package plan_test

import (
	"strings"
	"testing"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/internal/plan"
	"github.com/leatflow/leat/sdk/leat"
)

// A sink that asks for an order gets a sort before it, in a batch plan; a
// streaming plan and a column that is not there are refused.
func TestSortBeforeSink(t *testing.T) {
	explain := func(mode plan.Mode, by ...string) (string, error) {
		p := &leat.Pipeline{}
		leat.Write(leat.Values(sumPrice(byUser(readEvents(p, "events"), "by-user"), "total")), "out", parquet.Sink{Dir: "out", SortBy: by})
		g, err := p.Graph()
		if err != nil {
			return "", err
		}
		physical, err := plan.New(g, mode, 2)
		if err != nil {
			return "", err
		}
		return physical.String(), nil
	}
	text, err := explain(plan.Batch, "price desc", "user")
	if err != nil || !strings.Contains(text, "sort      out: by [price desc user]\n  write     out") {
		t.Errorf("the plan is %v\n%s", err, text)
	}
	if text, err := explain(plan.Streaming); err != nil || strings.Contains(text, "sort") {
		t.Errorf("without an order: %v\n%s", err, text)
	}
	for by, mode := range map[string]plan.Mode{"user": plan.Streaming, "usr": plan.Batch} {
		if _, err := explain(mode, by); err == nil || !strings.Contains(err.Error(), "out") {
			t.Errorf("sorted by %s: %v", by, err)
		} else {
			t.Log(err)
		}
	}
}
