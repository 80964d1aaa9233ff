#!/usr/bin/env bash
# Starts and stops a Kafka broker for tests: one process, KRaft, on loopback, from
# Apache Kafka's published jars. Needs Java 17 and Maven, which fetches the jars
# the first time through its own settings.
#
#   broker.sh start DIR    a new broker in a new or empty DIR, or the one that was
#                          stopped there, at the same address; returns when it answers
#   broker.sh stop DIR     ends it in order
#   broker.sh kill DIR     ends it at once, as a crash does
#   broker.sh pause DIR    lets it answer nothing any more, until resume
#   broker.sh resume DIR
#
#   DIR/address            host:port, for clients
#   DIR/pid                of the running broker
#   DIR/broker.log         what it says; DIR/data is its log
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
classpath_file=$here/../../../bin/kafka.classpath

fail() { echo "broker.sh: $*" >&2; exit 1; }

# classpath prints where the jars are. Asking Maven takes seconds, so the answer is
# kept until the pom changes or a jar has gone.
classpath() {
  if [[ -f $classpath_file && $classpath_file -nt $here/pom.xml ]]; then
    local jar gone=
    while IFS= read -r -d: jar; do [[ -f $jar ]] || gone=yes; done < <(printf '%s:' "$(cat "$classpath_file")")
    [[ $gone ]] || { cat "$classpath_file"; return; }
  fi
  mkdir -p "$(dirname "$classpath_file")"
  command -v mvn > /dev/null || fail "there is no mvn on the PATH; Maven fetches Kafka's jars"
  mvn -q -B -f "$here/pom.xml" dependency:build-classpath -Dmdep.outputFile="$classpath_file.$$" >&2 || fail "Maven could not fetch Kafka's jars; see above"
  mv "$classpath_file.$$" "$classpath_file"
  cat "$classpath_file"
}

java_run() { java -Xms128m -Xmx512m -XX:+UseSerialGC -cp "$jars" "$@"; }

# listening says whether somebody has the port of loopback.
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 10000))
    listening $port || { echo $port; return; }
  done
  fail "no free port between 20000 and 30000"
}

alive() { kill -0 "$(cat "$dir/pid")" 2>/dev/null; }

# running says whether the pid is that of a broker of this directory: a broker that
# ended without the script, as when the machine did, may have left the number to
# somebody else.
running() { [[ -f $dir/pid ]] && alive && [[ $(arguments "$(cat "$dir/pid")") == *" $dir/server.properties"* ]]; }

# arguments prints what a process was started with.
arguments() {
  if [[ -r /proc/$1/cmdline ]]; then tr '\0' ' ' < "/proc/$1/cmdline"; else ps -ww -o args= -p "$1"; fi
}

configure() {
  local port controller
  port=$(free_port)
  controller=$(free_port)
  [[ $port != "$controller" ]] || controller=$((port + 1))
  cat > "$dir/server.properties" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/data
num.partitions=4
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.retention.ms=-1
EOF
  java_run kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c "$dir/server.properties" > "$dir/format.log" 2>&1 ||
    { cat "$dir/format.log" >&2; fail "the log of the broker could not be made in $dir/data"; }
  echo "127.0.0.1:$port" > "$dir/address"
}

start() {
  running && fail "a broker runs in $dir already; stop it first"
  mkdir -p "$dir"
  command -v java > /dev/null || fail "there is no java on the PATH; a broker needs Java 17"
  jars=$(classpath)
  [[ -f $dir/address ]] || configure
  [[ ! -f $dir/broker.log ]] || mv "$dir/broker.log" "$dir/broker.log.before"
  # A group of its own, so that Ctrl-C in a terminal ends the tests and not it.
  set -m
  java -Xms256m -Xmx512m -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -cp "$jars" \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.log.kafka.server=info -Dorg.slf4j.simpleLogger.showDateTime=true \
    kafka.Kafka "$dir/server.properties" > "$dir/broker.log" 2>&1 < /dev/null &
  echo $! > "$dir/pid"
  set +m
  for _ in $(seq 600); do
    alive || { tail -20 "$dir/broker.log" >&2; rm -f "$dir/pid"; fail "the broker ended; $dir/broker.log says why"; }
    # Its last line of starting, after it has been let into the cluster.
    grep -q 'Kafka Server started' "$dir/broker.log" && { cat "$dir/address"; return; }
    sleep 0.1
  done
  end KILL
  fail "the broker did not answer within a minute; see $dir/broker.log"
}

# end sends the signal, waits, and after half a minute does not ask any more.
end() {
  running || { rm -f "$dir/pid"; return 0; }
  local pid
  pid=$(cat "$dir/pid")
  kill -CONT "$pid"
  kill "-$1" "$pid"
  for _ in $(seq 300); do
    kill -0 "$pid" 2>/dev/null || { rm -f "$dir/pid"; return 0; }
    sleep 0.1
  done
  kill -KILL "$pid"
  rm -f "$dir/pid"
}

tell() {
  running || fail "no broker runs in $dir"
  kill "-$1" "$(cat "$dir/pid")"
}

# Every thread stops when it is next looked at, and may answer until then.
pause() {
  tell STOP
  for _ in $(seq 100); do
    ps -L -o stat= -p "$(cat "$dir/pid")" 2> /dev/null | grep -qv '^T' || return 0
    sleep 0.05
  done
  fail "the broker did not stop within 5 s"
}

[[ $# -eq 2 ]] || fail "usage: broker.sh start|stop|kill|pause|resume DIR"
mkdir -p "$2"
dir=$(cd "$2" && pwd)
case $1 in
  start) start ;;
  stop) end TERM ;;
  kill) end KILL ;;
  pause) pause ;;
  resume) tell CONT ;;
  *) fail "no command $1; there are start, stop, kill, pause and resume" ;;
esac
