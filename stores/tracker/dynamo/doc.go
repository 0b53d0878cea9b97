// Package dynamo keeps conversations in DynamoDB, in the table and items of Rasa's DynamoTrackerStore
// (rasa/core/tracker_store.py, 3.6.21): one item a conversation with sender_id, name and the list of all its events. Nodes of
// Rasa and of parley may use the same table at the same time.
//
// A turn is one read, which transfers only the events that are new, and one write, which takes place only if the list is as
// long as it was and ends with an event of the same time. AWS charges for both by the size of the whole item, and twice for
// reads and for writes that note a commit, since they are transactions over two tables; a lower segment_bytes bounds that.
//
// Three tables beside Rasa's are parley's own. They are made with the first one, or when they are needed, and paid by
// request:
//
//   - <table>_outbox notes the commits that are not delivered yet, one item a conversation that has any. A commit is noted in
//     the transaction that stores its turn. The note is not in Rasa's item because Rasa replaces that as a whole and would
//     drop it; it has the events, so that it does not matter what becomes of the item.
//   - <table>_segments has what did not fit into an item, of which DynamoDB takes 400 KB. An item that is near option
//     segment_bytes is cut: its older events become a segment, and the first event of those that stay gets metadata that say
//     which segment comes before it. A node of Rasa keeps that with the event. The cut is before the last sessions, so that
//     a node of Rasa misses nothing of the session that runs; where one session alone is too long the rest of it is led
//     in by events of a session that begins with the same slots and active loop. Nodes of parley read all events in
//     either case. Segments are never changed, and none is removed that an item may refer to, so that an item which a
//     node of Rasa wrote from what it read before a cut is still complete.
//   - <table>_timers has the timers.
//
// DynamoDB knows one sort of numbers, and Rasa reads them all as floats. Where that would change an event of parley, the
// event has a field _parley, which Rasa passes over and drops when it writes the event itself. The order of the keys of
// dictionaries is not kept, as with Rasa.
//
// What cannot be kept is an event of more than about 380 KB, and a turn when more than about 380 KB of undelivered commits
// of its conversation are noted.
package dynamo
