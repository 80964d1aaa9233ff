package docs

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/leatflow/leat/runner/service"
)

// docs/metrics.md has exactly the metrics that there are, with their labels and
// meaning.
func TestMetrics(t *testing.T) {
	page, err := os.ReadFile("metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, are []string
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| `leat_") {
			documented = append(documented, strings.TrimSpace(line))
		}
	}
	for _, m := range service.Metrics() {
		are = append(are, fmt.Sprintf("| `%s` | %s | %s | %s |", m.Name, m.Type, strings.Join(m.Labels, ", "), m.Help))
	}
	for _, line := range are {
		if !slices.Contains(documented, line) {
			t.Errorf("metrics.md lacks the line\n%s", line)
		}
	}
	for _, line := range documented {
		if !slices.Contains(are, line) {
			t.Errorf("metrics.md has a line of no metric\n%s", line)
		}
	}
}
