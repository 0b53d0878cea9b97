// Package mixed holds the test of pools in which real Rasa nodes and parley nodes work on the same conversations. It has
// the build tag mixed, since it needs Rasa 3.6.21: `make test-mixed` installs and runs it.
//
// Real Rasa trains a bot, and both kinds of nodes load that archive. For each of the stores mongod, redis and SQL, two Rasa
// nodes play conversations on a fresh database; the database is emptied, two parley nodes join, and the same conversations
// are played again, the node drawn anew for every turn. Then what both kinds of nodes read must equal what the Rasa nodes
// alone made of it, times and ids of messages aside. A second part posts messages of one sender four at a time and counts
// whose are lost.
//
// # Other bots
//
// The bot in testdata is served by an action server in the test. Any other Rasa project will do:
//
//	make test-mixed BOT=dir CONVERSATIONS=file
//
// It needs config.yml, data and domain.yml or domain; its responses must not be drawn at random and its actions not tell
// the time, or runs differ for that. If it has actions (a folder or actions.py), rasa_sdk serves them. The file is that of
// the recorded bots (conformance/bots):
//
//	conversations:
//	  - name: order
//	    turns:
//	      - user: hello
//	      - sleep: 17                    # seconds; the bot's sessions should end in them, or not at all
//	      - user: '/order{"size": "large"}'
//	      - api: {method: POST, path: "/conversations/{id}/trigger_intent", body: {name: greet}}
//
// The parallel part posts numbered messages, `/note{"n": "7"}`, whatever the bot makes of them. More is said by flags, as in
// FLAGS="-n 200 -seed 7": -n conversations, -seed of the draws of nodes, -stores that are run, -parallel messages of each
// sender.
package mixed
