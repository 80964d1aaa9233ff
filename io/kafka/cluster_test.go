package kafka

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"
)

// brokers starts a cluster on loopback that ends with the test.
func brokers(t testing.TB, options ...kfake.Opt) (*kfake.Cluster, Cluster) {
	t.Helper()
	fake, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	return fake, Cluster{Brokers: fake.ListenAddrs()}
}

// client returns a client beside the one that is tested.
func (c Cluster) client(options ...kgo.Opt) (*kgo.Client, error) {
	l, err := c.link(options...)
	if err != nil {
		return nil, err
	}
	return l.Client, nil
}

// authority makes certificates in a folder of the test.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	a.key = newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, a.file(), "CERTIFICATE", der)
	return a
}

func (a *authority) file() string { return filepath.Join(a.dir, "ca.pem") }

// issue makes a certificate for names that holds until end, and returns its files.
func (a *authority) issue(t *testing.T, end time.Time, names ...string) (certFile, keyFile string) {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leat"}, NotBefore: end.Add(-2 * time.Hour), NotAfter: end,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePEM(t, certFile, "CERTIFICATE", der)
	writePEM(t, keyFile, "PRIVATE KEY", raw)
	return certFile, keyFile
}

// serve returns what a broker listens with.
func (a *authority) serve(t *testing.T, end time.Time, names ...string) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(a.issue(t, end, names...))
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

// mutual returns a configuration that asks clients for a certificate.
func (a *authority) mutual(t *testing.T) *tls.Config {
	t.Helper()
	c := a.serve(t, time.Now().Add(time.Hour), "127.0.0.1")
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	raw, err := os.ReadFile(a.file())
	if err != nil {
		t.Fatal(err)
	}
	c.ClientCAs.AppendCertsFromPEM(raw)
	return c
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reach connects and goes away.
func reach(t *testing.T, c Cluster) error {
	t.Helper()
	l, err := c.connect(t.Context())
	if err == nil {
		l.Close()
	}
	return err
}

// expect checks that an error says all of some words.
func expect(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; it should say %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error does not say %q:\n%v", w, err)
		}
	}
}

// Connections that work: plain, TLS with an authority of one's own, a certificate
// of the client, a name given, and no verification.
func TestConnects(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	ca := newAuthority(t, "ca")
	hour := time.Now().Add(time.Hour)
	cert, key := ca.issue(t, hour)
	for name, c := range map[string]struct {
		listen *tls.Config
		use    *TLS
	}{
		"plain":       {},
		"own CA":      {ca.serve(t, hour, "127.0.0.1"), &TLS{CAFile: ca.file()}},
		"server name": {ca.serve(t, hour, "kafka.example"), &TLS{CAFile: ca.file(), ServerName: "kafka.example"}},
		"unverified":  {ca.serve(t, hour, "kafka.example"), &TLS{InsecureSkipVerify: true}},
		"mutual":      {ca.mutual(t), &TLS{CAFile: ca.file(), CertFile: cert, KeyFile: key}},
	} {
		t.Run(name, func(t *testing.T) {
			var options []kfake.Opt
			if c.listen != nil {
				options = append(options, kfake.TLS(c.listen))
			}
			_, cluster := brokers(t, options...)
			cluster.TLS = c.use
			if err := cluster.Validate(); err != nil {
				t.Fatal(err)
			}
			if err := reach(t, cluster); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// What keeps a connection from being made is said with what to do about it.
func TestConnectionErrors(t *testing.T) {
	ca, other := newAuthority(t, "ca"), newAuthority(t, "other")
	hour := time.Now().Add(time.Hour)
	good := ca.serve(t, hour, "127.0.0.1")
	cert, key := other.issue(t, hour)
	_, key2 := other.issue(t, hour)
	old, oldKey := ca.issue(t, time.Now().Add(-time.Hour))
	for name, c := range map[string]struct {
		listen *tls.Config
		use    *TLS
		says   []string
	}{
		"plain to a TLS port":   {good, nil, []string{"its port may speak TLS, set Cluster.TLS"}},
		"TLS to a plain port":   {nil, &TLS{CAFile: ca.file()}, []string{"may speak plain text", "leave Cluster.TLS out"}},
		"unknown CA":            {good, &TLS{CAFile: other.file()}, []string{"not from an authority in TLS.CAFile " + other.file()}},
		"no CA":                 {good, &TLS{}, []string{"name its certificate in TLS.CAFile"}},
		"expired":               {ca.serve(t, time.Now().Add(-time.Hour), "127.0.0.1"), &TLS{CAFile: ca.file()}, []string{"the certificate of the broker holds from", "renew it"}},
		"other name":            {ca.serve(t, hour, "kafka.example"), &TLS{CAFile: ca.file()}, []string{"is for kafka.example and not for 127.0.0.1", "TLS.ServerName"}},
		"no client certificate": {ca.mutual(t), &TLS{CAFile: ca.file()}, []string{"TLS.CertFile and TLS.KeyFile"}},
		"wrong certificate":     {ca.mutual(t), &TLS{CAFile: ca.file(), CertFile: cert, KeyFile: key}, []string{"does not accept this side", "TLS.CertFile"}},
		"CA file away":          {good, &TLS{CAFile: "/nowhere/ca.pem"}, []string{"TLS.CAFile", "/nowhere/ca.pem"}},
		"CA file of something":  {good, &TLS{CAFile: key}, []string{"holds no PEM certificate"}},
		"key of another":        {good, &TLS{CertFile: cert, KeyFile: key2}, []string{"TLS.CertFile", "TLS.KeyFile"}},
		"own one expired":       {ca.mutual(t), &TLS{CAFile: ca.file(), CertFile: old, KeyFile: oldKey}, []string{"has expired on", "renew it"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var options []kfake.Opt
			if c.listen != nil {
				options = append(options, kfake.TLS(c.listen))
			}
			_, cluster := brokers(t, options...)
			cluster.TLS, cluster.ConnectTimeout = c.use, 2*time.Second
			err := reach(t, cluster)
			expect(t, err, append(c.says, "kafka: ")...)
			t.Log(err)
		})
	}
}

// Brokers that are not there: refused, no such host, silent.
func TestBrokerAway(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		_ = l.Close()
		err = reach(t, Cluster{Brokers: []string{address}})
		expect(t, err, "no broker can be reached at "+address, "check that it runs")
	})
	t.Run("no such host", func(t *testing.T) {
		dial := func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "kafka.invalid", IsNotFound: true}}
		}
		err := reach(t, Cluster{Brokers: []string{"kafka.invalid:9092"}, Dial: dial, ConnectTimeout: time.Second})
		expect(t, err, `there is no host "kafka.invalid"`)
	})
	t.Run("silent", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		err = reach(t, Cluster{Brokers: []string{l.Addr().String()}, ConnectTimeout: 300 * time.Millisecond})
		expect(t, err, "do not answer in time")
	})
}

const canary = "canary-s3cret-4711"

// Logins that work, and those that do not with what to do; the password is in no
// message.
func TestLogin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LEAT_TEST_PASSWORD", canary)
	t.Setenv("LEAT_TEST_WRONG", canary+"!")
	ca := newAuthority(t, "ca")
	secure := &TLS{CAFile: ca.file()}
	for name, c := range map[string]struct {
		use  *SASL
		says string // empty: it works
	}{
		"256 from a file":         {use: &SASL{Mechanism: ScramSHA256, User: "ann", Password: SecretFile(file)}},
		"512 from a variable":     {use: &SASL{Mechanism: ScramSHA512, User: "bob", Password: SecretEnv("LEAT_TEST_PASSWORD")}},
		"plain":                   {use: &SASL{Mechanism: Plain, User: "cat", Password: SecretFile(file)}},
		"wrong password":          {&SASL{Mechanism: ScramSHA256, User: "ann", Password: SecretEnv("LEAT_TEST_WRONG")}, `does not accept user "ann" with this password by SCRAM-SHA-256`},
		"wrong plain":             {&SASL{Mechanism: Plain, User: "cat", Password: SecretEnv("LEAT_TEST_WRONG")}, `does not accept user "cat"`},
		"other mechanism":         {&SASL{Mechanism: ScramSHA512, User: "ann", Password: SecretFile(file)}, "made for this mechanism"},
		"no token login":          {&SASL{Mechanism: OAuthBearer, Token: SecretFile(file)}, "no login by OAUTHBEARER"},
		"none":                    {nil, "set Cluster.SASL"},
		"file away":               {&SASL{Mechanism: ScramSHA256, User: "ann", Password: SecretFile("/nowhere/password")}, "the password file /nowhere/password cannot be read"},
		"variable away":           {&SASL{Mechanism: ScramSHA256, User: "ann", Password: SecretEnv("LEAT_TEST_NONE")}, "LEAT_TEST_NONE, which is not set"},
		"the secret for its file": {&SASL{Mechanism: ScramSHA256, User: "ann", Password: SecretFile(canary)}, "takes the path of a file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, cluster := brokers(t, kfake.EnableSASL(), kfake.TLS(ca.serve(t, time.Now().Add(time.Hour), "127.0.0.1")),
				kfake.User("SCRAM-SHA-256", "ann", canary), kfake.User("SCRAM-SHA-512", "bob", canary), kfake.User("PLAIN", "cat", canary))
			cluster.TLS, cluster.SASL = secure, c.use
			if c.says != "" {
				cluster.ConnectTimeout = 2 * time.Second // some do not fail before
			}
			if err := cluster.Validate(); err != nil {
				t.Fatal(err)
			}
			err := reach(t, cluster)
			if c.says == "" && err != nil {
				t.Fatal(err)
			}
			if c.says != "" {
				expect(t, err, c.says)
				hasNoCanary(t, err)
				t.Log(err)
			}
		})
	}
}

// hasNoCanary prints values in every way there is and looks for the secret.
func hasNoCanary(t *testing.T, values ...any) {
	t.Helper()
	var out bytes.Buffer
	logs := slog.New(slog.NewTextHandler(&out, nil))
	records := slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range values {
		fmt.Fprintf(&out, "%v %+v %#v %s %q %x %d\n", v, v, v, v, v, v, v)
		logs.Info("value", "value", v)
		records.Info("value", "value", v)
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(raw)
	}
	for _, c := range []string{canary, fmt.Sprintf("%x", canary)} {
		if strings.Contains(out.String(), c) {
			t.Errorf("the secret shows in\n%s", out.String())
		}
	}
}

// A secret is not shown by anything that prints, also where it was given in place
// of its file or variable.
func TestSecretsDoNotShow(t *testing.T) {
	t.Setenv("LEAT_TEST_PASSWORD", canary)
	for _, s := range []Secret{SecretFile(canary), SecretEnv(canary), SecretEnv("LEAT_TEST_PASSWORD")} {
		c := Cluster{Brokers: []string{"b:1"}, SASL: &SASL{Mechanism: Plain, User: "u", Password: s, Token: s}}
		hasNoCanary(t, s, &s, c, *c.SASL, c.SASL, []Secret{s}, map[string]Secret{"k": s}, c.Validate())
		if got := fmt.Sprintf("%v", s); got != "***" {
			t.Errorf("a secret prints as %q", got)
		}
		if _, err := s.Read("password"); err != nil {
			hasNoCanary(t, err)
		}
	}
}

// Validate names all mistakes at once.
func TestClusterMistakes(t *testing.T) {
	err := Cluster{
		Brokers:        []string{"localhost", ":9092", ""},
		TLS:            &TLS{CertFile: "c.pem", InsecureSkipVerify: true, CAFile: "ca.pem"},
		SASL:           &SASL{Mechanism: ScramSHA256, Token: SecretEnv("not a name")},
		ConnectTimeout: -1,
	}.Validate()
	expect(t, err, `broker "localhost"`, `broker ":9092"`, `broker ""`, "TLS.CertFile and TLS.KeyFile belong together", "InsecureSkipVerify accepts any",
		"SCRAM-SHA-256 needs a User", "SCRAM-SHA-256 needs a Password", "has no Token", "name of an environment variable", "ConnectTimeout is")
	expect(t, Cluster{}.Validate(), "no brokers")
	b := []string{"b:1"}
	expect(t, Cluster{Brokers: b, SASL: &SASL{Mechanism: Plain, User: "u", Password: SecretEnv("P")}}.Validate(), "without TLS anybody on the way can read it")
	expect(t, Cluster{Brokers: b, SASL: &SASL{Mechanism: OAuthBearer, Token: SecretEnv("P")}}.Validate(), "without TLS")
	expect(t, Cluster{Brokers: b, SASL: &SASL{Mechanism: OAuthBearer, User: "u"}, TLS: &TLS{}}.Validate(), "needs a Token", "neither User nor Password")
	expect(t, Cluster{Brokers: b, SASL: &SASL{Mechanism: "GSSAPI"}}.Validate(), `no mechanism "GSSAPI"`, "SCRAM-SHA-512")
	if got := (Cluster{Brokers: b, TLS: &TLS{InsecureSkipVerify: true}}).String(); !strings.Contains(got, "INSECURE") {
		t.Errorf("a cluster without verification calls itself %q", got)
	}
}

// OAUTHBEARER sends the token of its file, as it is at that login.
func TestToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	fake, c := brokers(t)
	fake.ControlKey(int16(kmsg.SASLHandshake), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		return r.ResponseKind(), nil, r.(*kmsg.SASLHandshakeRequest).Mechanism == "OAUTHBEARER"
	})
	fake.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		answer := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		if !bytes.Contains(r.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes, []byte("auth=Bearer "+canary+"\x01")) {
			answer.ErrorCode = kerr.SaslAuthenticationFailed.Code
		}
		return answer, nil, true
	})
	c.SASL = &SASL{Mechanism: OAuthBearer, Token: SecretFile(file)} // Validate would want TLS
	for _, token := range []string{"old", canary} {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := reach(t, c)
		if token == canary && err != nil {
			t.Fatal(err)
		}
		if token != canary {
			expect(t, err, "the broker does not accept the token; it may have expired")
		}
	}
}
