package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"
)

// TLS says how connections are encrypted and whom they trust. Its zero value
// trusts the certificate authorities of the machine and presents no certificate.
type TLS struct {
	CAFile     string // PEM certificates of the authorities to trust, in place of the machine's
	CertFile   string // PEM certificate to present, where brokers ask for one, with KeyFile
	KeyFile    string // its private key, PEM
	ServerName string // name that certificates must have; empty: the host of each broker

	// InsecureSkipVerify accepts any certificate, so that anybody on the way can
	// read and change what is sent. The sources and sinks that use it say so
	// wherever they are named, and a warning is logged.
	InsecureSkipVerify bool
}

// validate reports contradictions.
func (t *TLS) validate() error {
	var errs []error
	if (t.CertFile == "") != (t.KeyFile == "") {
		errs = append(errs, errors.New("kafka: TLS.CertFile and TLS.KeyFile belong together; give both or neither"))
	}
	if t.InsecureSkipVerify && (t.CAFile != "" || t.ServerName != "") {
		errs = append(errs, errors.New("kafka: TLS.InsecureSkipVerify accepts any certificate, so TLS.CAFile and TLS.ServerName would not be looked at; leave either out"))
	}
	return errors.Join(errs...)
}

// config reads the files.
func (t *TLS) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("kafka: TLS.CAFile: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka: TLS.CAFile %s holds no PEM certificate", t.CAFile)
		}
	}
	if t.CertFile != "" {
		if _, err := t.certificate(); err != nil {
			return nil, err
		}
		// Read again for each connection: certificates are renewed while jobs run.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.certificate() }
	}
	return c, nil
}

// certificate reads the certificate to present.
func (t *TLS) certificate() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("kafka: TLS.CertFile %s with TLS.KeyFile %s: %w", t.CertFile, t.KeyFile, err)
	}
	if leaf := pair.Leaf; leaf != nil && time.Now().After(leaf.NotAfter) {
		return nil, fmt.Errorf("kafka: the certificate in TLS.CertFile %s has expired on %s; renew it", t.CertFile, leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	return &pair, nil
}
