// Package httpreplay plays recorded HTTP exchanges with a Rasa 3.6.21 server against another server and names what
// differs. The recordings are in ../http; their format:
//
// A file is a list of exchanges, whose order matters. Each has a request, the response, and the requests that arrived
// at a callback URL meanwhile. What is new in every run stands as a placeholder in responses ("<float>" for a time in
// seconds, "<uuid>", "<model>", "<path>", "<datetime>"); "{sid}" in a request is the socket.io session that an earlier
// answer named.
package httpreplay
