package kafka

import "github.com/leatflow/leat/sdk/connector/secret"

// Secret says where a password or token is to be had: a file or an environment
// variable. See package secret.
type Secret = secret.Secret

// SecretFile takes a secret from a file; a newline at its end is not part of it.
func SecretFile(path string) Secret { return secret.File(path) }

// SecretEnv takes a secret from an environment variable.
func SecretEnv(name string) Secret { return secret.Env(name) }
