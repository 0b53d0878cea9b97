package server

import "testing"

func TestCORS(t *testing.T) {
	from := func(origin string, more ...string) map[string]string {
		h := map[string]string{"Origin": origin}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = more[i+1]
		}
		return h
	}
	allowed := func(origin, vary string) map[string]string {
		return map[string]string{headerOrigin: origin, "Vary": vary}
	}
	refused := map[string]string{headerOrigin: "", headerCredentials: "", "Vary": ""}
	cases := []struct {
		name        string
		cors        []string
		headers     map[string]string
		wantHeaders map[string]string
	}{
		{"nothing allowed, nothing asked", nil, nil, map[string]string{headerOrigin: "", headerCredentials: "true"}},
		{"nothing allowed", nil, from("http://a.example"), refused},
		{"all, nothing asked", []string{"*"}, nil, allowed("*", "")},
		{"all", []string{"*"}, from("http://a.example"), allowed("http://a.example", "Origin")},
		{"one", []string{"http://A.example"}, from("http://a.example"), allowed("http://a.example", "")},
		{"another", []string{"http://a.example"}, from("http://b.example"), refused},
		{"two, nothing asked", []string{"http://b.example", "http://a.example"}, nil, allowed("http://b.example", "Origin")},
		{"pattern", []string{"https://.*.a.example"}, from("HTTPS://x.a.example"), allowed("HTTPS://x.a.example", "Origin")},
		{"pattern from the beginning", []string{"a.*"}, from("http://a.example"), refused},
	}
	for _, c := range cases {
		s := newTestServer(t, func(cfg *Config) { cfg.CORS = c.cors })
		exchange{name: c.name, method: "GET", path: "/version", headers: c.headers, status: 200, wantHeaders: c.wantHeaders}.run(t, s)
	}
	s := newTestServer(t, func(cfg *Config) { cfg.CORS = []string{"*"} })
	for _, e := range []exchange{
		{name: "preflight", method: "OPTIONS", path: "/x", status: 200,
			headers: from("http://a.example", "Access-Control-Request-Method", "post", "Access-Control-Request-Headers", "x-mine, content-type"),
			wantHeaders: map[string]string{headerMethods: corsMethods, headerHeaders: "content-type, x-mine", headerMaxAge: "None",
				"Content-Type": "None"}},
		{name: "preflight without method", method: "OPTIONS", path: "/x", status: 200, headers: from("http://a.example"),
			wantHeaders: map[string]string{headerMethods: "", headerOrigin: "http://a.example"}},
		{name: "framework errors have the headers", method: "GET", path: "/no", status: 404, headers: from("http://a.example"),
			wantHeaders: allowed("http://a.example", "Origin")},
		{name: "Rasa's errors do not", method: "POST", path: "/model/parse", status: 400, headers: from("http://a.example"), wantHeaders: refused},
	} {
		e.run(t, s)
	}
}
