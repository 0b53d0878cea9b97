package server

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

const testSecret = "a secret"

func signed(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	require.NoError(t, err)
	return "Bearer " + token
}

func userClaims(name, role string) jwt.MapClaims {
	return jwt.MapClaims{"user": map[string]any{"username": name, "role": role}}
}

func TestAuthToken(t *testing.T) {
	s := newTestServer(t, func(cfg *Config) { cfg.AuthToken = "s3cret" })
	for _, e := range []exchange{
		{name: "none", path: "/status", status: 401, contains: `"reason":"NotAuthenticated"`},
		{name: "right", path: "/status?token=s3cret", status: 200, want: `{"model_file":"model.tar.gz","model_id":"abc","num_active_training_jobs":0}`},
		{name: "escaped", path: "/status?token=s3%63ret", status: 200},
		{name: "wrong", path: "/status?token=S3cret", status: 401},
		{name: "blank ones do not count", path: "/status?token=&token=s3cret", status: 200},
		{name: "only the first counts", path: "/status?token=x&token=s3cret", status: 401},
		{name: "no header", path: "/status", headers: map[string]string{"Authorization": "Bearer s3cret"}, status: 401},
		{name: "conversations", path: "/conversations/x/tracker", status: 401},
		{name: "open", path: "/version", status: 200},
		{name: "channels are open", path: "/webhooks/rest/", status: 200},
	} {
		e.method = "GET"
		e.run(t, s)
	}
}

func TestJWT(t *testing.T) {
	s := newTestServer(t, func(cfg *Config) { cfg.JWTSecret = testSecret })
	with := func(claims jwt.MapClaims, more ...any) string {
		for i := 0; i < len(more); i += 2 {
			claims[more[i].(string)] = more[i+1]
		}
		return signed(t, jwt.SigningMethodHS256, []byte(testSecret), claims)
	}
	admin := func(more ...any) string { return with(userClaims("boss", "admin"), more...) }
	later, earlier := time.Now().Add(time.Hour).Unix(), time.Now().Add(-time.Hour).Unix()
	for _, c := range []struct {
		name, path, authorization string
		status                    int
	}{
		{"admin", "/status", admin(), 200},
		{"user", "/status", with(userClaims("alice", "user")), 403},
		{"user, own conversation", "/conversations/alice/tracker", with(userClaims("alice", "user")), 200},
		{"user, other conversation", "/conversations/bob/tracker", with(userClaims("alice", "user")), 403},
		{"user, escaped conversation", "/conversations/al%69ce/tracker", with(userClaims("alice", "user")), 403},
		{"other role", "/status", with(userClaims("boss", "Admin")), 403},
		{"no user", "/status", with(jwt.MapClaims{}), 403},
		{"user is text", "/status", with(jwt.MapClaims{"user": "admin"}), 500},
		{"expires later", "/status", admin("exp", later), 200},
		{"expired", "/status", admin("exp", earlier), 401},
		{"expires at no time", "/status", admin("exp", "soon"), 401},
		{"not yet", "/status", admin("nbf", later), 401},
		{"issued later", "/status", admin("iat", later), 401},
		{"issued earlier", "/status", admin("iat", earlier), 200},
		{"for somebody", "/status", admin("aud", "x"), 401},
		{"for nobody", "/status", admin("aud", ""), 200},
		{"subject is no text", "/status", admin("sub", 5), 500},
		{"wrong secret", "/status", signed(t, jwt.SigningMethodHS256, []byte("other"), userClaims("boss", "admin")), 401},
		{"wrong algorithm", "/status", signed(t, jwt.SigningMethodHS512, []byte(testSecret), userClaims("boss", "admin")), 500},
		{"no algorithm", "/status", signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, userClaims("boss", "admin")), 500},
		{"nothing", "/status", "", 401},
		{"garbage", "/status", "Bearer x.y.z", 401},
		{"two parts", "/status", "Bearer x.y", 401},
		{"other scheme", "/status", "Basic eDp5", 400},
		{"open", "/version", "Bearer x", 200},
		{"verify", "/auth/verify", admin(), 200},
		{"verify expired", "/auth/verify", admin("exp", earlier), 401},
		{"me", "/auth/me", admin(), 500},
	} {
		e := exchange{name: c.name, method: "GET", path: c.path, status: c.status}
		if c.authorization != "" {
			e.headers = map[string]string{"Authorization": c.authorization}
		}
		e.run(t, s)
	}
	exchange{name: "auth", method: "POST", path: "/auth", status: 401, contains: `"exception":"AuthenticationFailed"`}.run(t, s)
}

func TestJWTWithPublicKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	s := newTestServer(t, func(cfg *Config) { cfg.JWTSecret, cfg.JWTMethod = public, "RS256" })
	auth := func(v string) map[string]string { return map[string]string{"Authorization": v} }
	exchange{name: "right key", method: "GET", path: "/status", status: 200,
		headers: auth(signed(t, jwt.SigningMethodRS256, key, userClaims("boss", "admin")))}.run(t, s)
	exchange{name: "the public key as a secret", method: "GET", path: "/status", status: 500,
		headers: auth(signed(t, jwt.SigningMethodHS256, []byte(public), userClaims("boss", "admin")))}.run(t, s)
}

func TestBadSecurityOptions(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"no such algorithm": {Config{EnableAPI: true, JWTSecret: "x", JWTMethod: "XY1"}, `--jwt-secret: algorithm "XY1" is not known`},
		"no public key":     {Config{EnableAPI: true, JWTSecret: "x", JWTMethod: "RS256"}, "--jwt-secret: "},
		"broken pattern":    {Config{CORS: []string{"http://*(.example"}}, `--cors "http://*(.example": `},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(c.cfg)
			require.ErrorContains(t, err, c.want)
		})
	}
}
