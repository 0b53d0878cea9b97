// Package dialogue turns user messages into tracker events and bot messages.
//
// A Processor does for one message what MessageProcessor and Agent of Rasa 3.6.21 do (rasa/core/processor.py): it takes
// the conversation's lock, loads the tracker, starts a session where one is due, has the message understood, extracts
// slots, and lets policies predict actions and runs them until the bot listens again. Then the tracker is stored, the new
// events are published and the lock is handed on. Everything a turn takes from outside - clock, chance, action server,
// response generator - comes in an Env, so a stored turn can be run again to the same events (Replay).
//
// The package does not know any policy, NLU component, store or channel by name, and it serves no network requests.
package dialogue
