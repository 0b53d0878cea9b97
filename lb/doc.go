// Package lb is where pools of servers will be balanced: picking a server, health checks, retry and circuit
// breaking. It uses the standard library only, so that the client of an action server can build on it without
// knowing anything of conversations. Nothing is in it yet: one action server is called directly.
package lb
