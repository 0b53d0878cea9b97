// Package natsnode connects to NATS: to the servers that endpoints.yml names, or, when it names none, to a nats-server in
// this process that keeps JetStream's files in a folder and listens on no port.
//
// A Node does nothing before it is asked for a connection the first time. All nodes of a process that name the same folder
// share one server; a second process is refused, because two servers on the same files destroy them.
package natsnode
