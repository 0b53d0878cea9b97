// Package shortcut answers HTTP requests of one plain form by itself and leaves all others to net/http.
//
// For a short answer net/http and a framework take longer than whatever computes it: a request, a context, two maps of
// headers, a goroutine that watches the connection. A Listener stands in front of an http.Server and reads what its
// connections send. A POST over HTTP/1.1 to one of its routes, with a Content-Length and nothing in its headers that
// would change what it means, goes to the route's Handler. With the first byte of anything else, be it another path, a
// body in chunks, a body that is large or slow, or no HTTP at all, the connection goes to the http.Server, together
// with the bytes that were read, and stays there. So net/http alone decides about everything that is not plain, and
// nothing here has to be lenient.
package shortcut
