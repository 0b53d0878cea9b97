package server

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parleybot/parley/internal/value"
)

// What PyJWT raises and sanic-jwt does not catch: the answer is 500.
var (
	errAlgorithm    = errors.New("the specified alg value is not allowed")
	errClaimNoText  = errors.New("a claim that must be a text is none")
	errUserNoObject = errors.New(`the claim "user" is no object`)
)

// invalidToken says why a token counts for nothing.
type invalidToken struct{ reason string }

func (e *invalidToken) Error() string { return e.reason }

func asInvalid(err error, to **invalidToken) bool { return errors.As(err, to) }

// malformed is the reason for tokens that are none, and for wrong signatures: sanic-jwt tells nothing more.
var malformed = &invalidToken{"Auth required."}

// tokenChecker verifies JSON web tokens as PyJWT 2 does for sanic-jwt 1.8.
type tokenChecker struct {
	method jwt.SigningMethod
	key    any
	now    func() time.Time
}

func newTokenChecker(secret, algorithm string) (*tokenChecker, error) {
	if algorithm == "" {
		algorithm = "HS256"
	}
	method := jwt.GetSigningMethod(algorithm)
	if method == nil || algorithm == "none" {
		return nil, fmt.Errorf("algorithm %q is not known", algorithm)
	}
	key, err := publicKey([]byte(secret), algorithm)
	if err != nil {
		return nil, err
	}
	return &tokenChecker{method, key, time.Now}, nil
}

func publicKey(secret []byte, algorithm string) (any, error) {
	switch algorithm[:2] {
	case "HS":
		return secret, nil
	case "RS", "PS":
		return jwt.ParseRSAPublicKeyFromPEM(secret)
	case "ES":
		return jwt.ParseECPublicKeyFromPEM(secret)
	}
	return jwt.ParseEdPublicKeyFromPEM(secret)
}

// verify returns the claims of a token. The error is an *invalidToken when the token counts for nothing.
func (t *tokenChecker) verify(token string) (*value.Map, error) {
	signed, encodedSignature, ok := cutLast(token, ".")
	if !ok {
		return nil, malformed
	}
	encodedHeader, encodedClaims, ok := strings.Cut(signed, ".")
	if !ok || strings.Contains(encodedClaims, ".") {
		return nil, malformed
	}
	header, ok := decodePart(encodedHeader)
	signature, err := decodeBase64(encodedSignature)
	if !ok || err != nil {
		return nil, malformed
	}
	if header.Value("alg") != t.method.Alg() {
		return nil, errAlgorithm
	}
	if err := t.method.Verify(signed, signature, t.key); err != nil {
		return nil, malformed
	}
	claims, ok := decodePart(encodedClaims)
	if !ok {
		return nil, malformed
	}
	return claims, t.check(claims)
}

// check looks at the claims in PyJWT's order.
func (t *tokenChecker) check(claims *value.Map) error {
	now := float64(t.now().UnixNano()) / 1e9
	if v, given := claims.Get("iat"); given {
		at, ok := wholeSeconds(v)
		if !ok {
			return &invalidToken{"Issued At claim (iat) must be an integer."}
		}
		if at > now {
			return &invalidToken{"The token is not yet valid (iat)."}
		}
	}
	if v, given := claims.Get("nbf"); given {
		at, ok := wholeSeconds(v)
		if !ok {
			return malformed
		}
		if at > now {
			return &invalidToken{"The token is not yet valid (nbf)."}
		}
	}
	if v, given := claims.Get("exp"); given {
		at, ok := wholeSeconds(v)
		if !ok {
			return malformed
		}
		if at <= now {
			return &invalidToken{"Signature has expired."}
		}
	}
	if value.Truthy(claims.Value("aud")) {
		return &invalidToken{"Invalid audience."}
	}
	for _, name := range []string{"sub", "jti"} {
		if v, given := claims.Get(name); given {
			if _, ok := v.(string); !ok {
				return errClaimNoText
			}
		}
	}
	return nil
}

// wholeSeconds is Python's int(v) of a time.
func wholeSeconds(v any) (float64, bool) {
	if text, ok := v.(string); ok {
		n, err := value.ParseInt(text)
		if err != nil {
			return 0, false
		}
		v = n
	}
	f, ok := value.ToFloat(v)
	return math.Trunc(f), ok && !math.IsNaN(f) && !math.IsInf(f, 0)
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func decodeBase64(s string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
}

func decodePart(s string) (*value.Map, bool) {
	raw, err := decodeBase64(s)
	if err != nil {
		return nil, false
	}
	m, err := value.DecodeObject(raw)
	return m, err == nil
}
