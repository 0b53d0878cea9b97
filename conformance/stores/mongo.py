#!/usr/bin/env python3
"""What real Rasa 3.6.21 reads and writes in MongoDB; run it with the Python that Rasa is installed in.

usage: mongo.py record URL DOMAIN DIR   writes conversations and records each as DIR/NAME.json: the document in canonical
                                        extended JSON, the events of retrieve() and those of retrieve_full_tracker()
       mongo.py serve URL DB DOMAIN     reads orders from standard input, one a line, and answers each with a line of JSON:
                                        turn SENDER TEXT        adds a turn to a conversation
                                        session SENDER          starts a new session
                                        read SENDER             what retrieve() and retrieve_full_tracker() give
                                        documents SENDER        how many documents there are
"""
import asyncio, json, sys

from bson import json_util
from rasa.core.tracker_store import MongoTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted, ActiveLoop, BotUttered, Restarted, SessionStarted, SlotSet, UserUttered, FollowupAction, ReminderScheduled,
    DefinePrevUserUtteredFeaturization,
)
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity

CLOCK = [1795000000.0]


def stamped(events):
    for event in events:
        CLOCK[0] += 0.37
        event.timestamp = CLOCK[0]
    return events


def session(metadata=None):
    first = [SlotSet("session_started_metadata", metadata)] if metadata else []
    return stamped(first + [ActionExecuted("action_session_start", confidence=1.0), SessionStarted(), ActionExecuted("action_listen")])


def turn(text, n):
    intent = {"name": "greet", "confidence": 0.875}
    parse = {"text": text, "intent": intent, "entities": [{"entity": "city", "start": 0, "end": 4, "value": text[:4]}],
             "intent_ranking": [intent], "text_tokens": [(0, 4)]}
    return stamped([
        UserUttered(text, intent, parse["entities"], parse, input_channel="rest", message_id=f"m{n}", metadata={"page": n, "big": 2 ** 40}),
        DefinePrevUserUtteredFeaturization(False),
        SlotSet("city", text[:4]),
        SlotSet("wishes", {"a.b": [1, 2.5, None, True], "$x": {"": -1}, "nan": float("inf"), "last": n}),
        ActionExecuted("utter_greet", policy="RulePolicy", confidence=1.0),
        BotUttered("Grüß Gott 🍑", {"buttons": [{"title": "x"}], "custom": None}, {"utter_action": "utter_greet"}),
        ActionExecuted("action_listen", policy="RulePolicy", confidence=1.0),
    ])


async def record(url, domain_file, folder):
    domain = Domain.load(domain_file)
    store = MongoTrackerStore(domain, host=url, db="record")
    store.client.drop_database("record")

    async def save(name, *lists):
        for events in lists:
            tracker = await store.retrieve(name) or DialogueStateTracker(name, domain.slots)
            for event in events:
                tracker.update(event, domain)
            await store.save(tracker)

    await save("empty", [])
    await save("sessions", session({"lang": "de"}), turn("Rome, please", 1), turn("Oslo 🍑", 2), session(), turn("Bern", 3))
    await save("form", session(), stamped([ActionExecuted("table_form", policy="RulePolicy", confidence=1.0), ActiveLoop("table_form"),
                                           SlotSet("requested_slot", "city"), ActionExecuted("action_listen")]), turn("Kiel", 4))
    await save("no session", turn("Nice", 5), stamped([ReminderScheduled("greet", __import__("datetime").datetime(2030, 1, 2, 3, 4, 5)),
                                                       FollowupAction("action_book")]))
    await save("restarted", session(), turn("Ulm", 6), stamped([Restarted(), ActionExecuted("action_listen")]))
    for document in store.conversations.find():
        name = document["sender_id"]
        out = {"document": json.loads(json_util.dumps(document, json_options=json_util.CANONICAL_JSON_OPTIONS)),
               "retrieve": await events_of(store.retrieve(name)), "full": await events_of(store.retrieve_full_tracker(name))}
        with open(f"{folder}/{name.replace(' ', '_')}.json", "w", encoding="utf-8") as f:
            json.dump(out, f, indent=1, ensure_ascii=False)
            f.write("\n")


async def events_of(retrieving):
    tracker = await retrieving
    return tracker and [event.as_dict() for event in tracker.events]


async def serve(url, db, domain_file):
    domain = Domain.load(domain_file)
    store = MongoTrackerStore(domain, host=url, db=db)
    print(json.dumps("ready"), flush=True)
    count = 0
    for line in sys.stdin:
        order, _, rest = line.rstrip("\n").partition(" ")
        sender, _, text = rest.partition(" ")
        answer = "done"
        if order in ("turn", "session"):
            count += 1
            tracker = await store.retrieve(sender) or DialogueStateTracker(sender, domain.slots)
            last = tracker.events[-1].timestamp if tracker.events else 0.0
            CLOCK[0] = max(CLOCK[0], last)
            for event in turn(text, count) if order == "turn" else session():
                tracker.update(event, domain)
            await store.save(tracker)
        elif order == "read":
            tracker = await store.retrieve(sender)
            answer = {"retrieve": await events_of(store.retrieve(sender)), "full": await events_of(store.retrieve_full_tracker(sender)),
                      "state": tracker and tracker.current_state(EventVerbosity.NONE)}
        elif order == "documents":
            answer = store.conversations.count_documents({"sender_id": sender})
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    commands = {"record": record, "serve": serve}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    asyncio.run(commands[sys.argv[1]](*sys.argv[2:]))
