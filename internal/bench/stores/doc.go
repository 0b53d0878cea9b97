// Package stores measures what a turn costs in each tracker store: `make bench-stores`. It has the build tag benchstores.
//
// A worker process loads and saves turns of conversations of 10, 1,000 and 20,000 events with a store that is built by name
// as endpoints.yml does. Between it and the server stands a proxy in the test's process that counts bytes and round trips (a
// request that follows an answer); for stores in files the bytes are those that the worker reads and writes by system calls.
// Processor time is what the system says of the worker and of the server's processes, so other work on the machine matters
// little.
//
//   - warm is a node that has had the conversation before, as most turns of a conversation do that returns to its node.
//   - cold is the first turn at a node that is running but has not seen the conversation.
//
// Where PARLEY_RASA_PYTHON names a Python with Rasa 3.6.21, its store classes retrieve and save turns of the same
// conversations on the same servers, in a worker of their own (rasa_stores.py). They keep nothing between turns, so their warm and
// cold turns are the same. ONLY= selects rows by a part of their names.
//
// Warm turns in conversations of 1,000 and 20,000 events must cost at most 1.3 times those in short ones: round trips, bytes
// and processor time of the node. Where a server takes longer for long conversations, processor times are compared with those
// of short ones whose answers the proxy keeps back as long, since a process needs more of it when it has to be woken. What the
// server needs is shown, not checked: it is the server's own.
package stores
