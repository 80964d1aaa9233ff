# The engine builds without cgo; benchmarks/backfill is a module of its own
# because DuckDB needs it.
export CGO_ENABLED ?= 0

VEGA  := vega-datasets@3.2.1
DATA  := data/flights-3m.parquet
SHA   := dbeb920c90f59b6ccaff823dcc3d08f25a97fa1ce128d93f40be4e931f5900b0
KAFKA ?= ./io/kafka/... ./examples/flights
BENCH ?= all -threads 1,2 -runs 5

.PHONY: build test test-kafka check bench data

build:
	go build -trimpath -o bin/ ./...

test:
	go test ./...

# The tests against a broker of Apache Kafka itself, which Maven fetches; needs
# Java 17.
test-kafka:
	@dir=$$(mktemp -d); broker=io/kafka/realkafka/broker.sh; \
	trap "$$broker stop $$dir; rm -rf $$dir" EXIT; trap "exit 130" INT TERM; \
	$$broker start $$dir && LEAT_KAFKA=$$dir go test -count=1 -p 1 -timeout 4m -run TestReal $(KAFKA)

check: test
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these'; exit 1; }
	go vet ./...
	cd benchmarks/backfill && CGO_ENABLED=1 go vet ./... && CGO_ENABLED=1 go test ./...

bench: $(DATA)
	cd benchmarks/backfill && CGO_ENABLED=1 go run . $(BENCH) -data ../../$(DATA)

data: $(DATA)

# The flights file (13.5 MB) from npm, through the reader's own npm settings.
$(DATA):
	mkdir -p data
	cd data && npm pack --silent $(VEGA) && tar -xzf vega-datasets-3.2.1.tgz --strip-components=2 package/data/flights-3m.parquet
	rm -f data/vega-datasets-3.2.1.tgz
	echo '$(SHA)  $@' | sha256sum -c - || { rm -f $@; exit 1; }
	touch $@
