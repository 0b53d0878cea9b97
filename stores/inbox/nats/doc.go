// Package nats is the inbox in NATS JetStream, by default in a server inside the process: what a channel accepted is on disk
// before it is acknowledged, and any node on the same server works it off.
//
// Messages are kept in one stream, a subject a conversation; the first message of a subject is the one whose turn it is,
// and it is deleted when its turn was handled. A second stream has one record a conversation. A node handles messages of a
// conversation only while the record names it the owner, and records change by compare-and-set on their sequence:
//
//  1. Who wants a conversation reads its record and, if it is free, writes itself into it. Of several one wins.
//  2. The owner handles the first message, notes in the record that it is done, deletes it, and goes on until there is none.
//     Then it frees the record, and looks once more: a message that was stored while the record was taken, and whose
//     putter therefore left it alone, is seen by this look. So no message needs anyone to find it, and order is that of
//     the stream.
//  3. The owner writes its record anew every quarter of the lease. When it could not for 0.7 of the lease, it ends the
//     handling itself. Another node takes a record over when it saw the same one for a whole lease: the owner wrote
//     that before, so by then it has stopped. Nobody's clock is compared with another's. An embedded server has only the nodes of
//     one process, so records of an earlier process are taken over at once.
//
// Nodes learn of messages by a call within the process, by a message to one of the nodes when this one has its hands full
// or does not run, and by looking at all subjects every fifth of the lease, which finds what a dead node left. A node that is
// stopped for longer than the lease and goes on may handle a message together with another for a moment: the store's
// conditional write refuses the later of the two turns.
//
// Duplicates are told by JetStream's own window as long as the server runs, and over its restarts by the record, which has
// the ids of the messages done lately: JetStream recovers ids only of messages that are still there.
package nats
