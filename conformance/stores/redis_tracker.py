#!/usr/bin/env python3
"""What real Rasa 3.6.21 reads and writes in Redis; run it with the Python that Rasa is installed in.

usage: redis_tracker.py record HOST PORT DOMAIN DIR   writes conversations and records each: DIR/NAME.value is the value of its
                                                      key, DIR/NAME.json what retrieve() and retrieve_full_tracker() give
       redis_tracker.py serve HOST PORT PREFIX DOMAIN reads orders, one a line of JSON, and answers each with a line of JSON:
                                                      ["turn", SENDER, TEXT]      adds a turn to a conversation
                                                      ["session", SENDER]         starts a new session
                                                      ["read", SENDER]            what the two methods and the state are
                                                      ["hold", SENDER]            retrieves a conversation, for later
                                                      ["late", SENDER, TEXT]      adds a turn to what was retrieved then
                                                      ["keys"]                    what keys() gives
"""
import asyncio, datetime, json, sys

from rasa.core.tracker_store import RedisTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted, ActiveLoop, AllSlotsReset, BotUttered, DefinePrevUserUtteredFeaturization, FollowupAction, ReminderScheduled,
    Restarted, SessionStarted, SlotSet, UserUttered, UserUtteranceReverted,
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


def turn(text, number):
    parse = {"text": text, "intent": {"name": "greet", "confidence": 0.75}, "entities": [{"entity": "city", "value": text, "start": 0}],
             "text_tokens": [(0, len(text))]}
    return stamped([
        UserUttered(text, parse["intent"], parse["entities"], parse, input_channel="rest", message_id=f"id{number}", metadata={"n": number}),
        DefinePrevUserUtteredFeaturization(False),
        SlotSet("city", text),
        SlotSet("wishes", ["\u00fc \U0001f351 \u2028", 1e16, 2 ** 62, -0.5, None, {"a": True, "": []}, float("inf")]),
        ActionExecuted("utter_greet", policy="RulePolicy", confidence=1.0),
        BotUttered('say "\\" / \t', {"buttons": [{"title": "x"}], "custom": None}, {"utter_action": "utter_greet"}),
        ActionExecuted("action_listen", policy="RulePolicy", confidence=1.0),
    ])


async def events_of(retrieving):
    tracker = await retrieving
    return tracker and [event.as_dict() for event in tracker.events]


async def extend(store, domain, sender, events, tracker=None):
    tracker = tracker or await store.retrieve(sender) or DialogueStateTracker(sender, domain.slots)
    for event in events:
        tracker.update(event, domain)
    await store.save(tracker)


async def record(host, port, domain_file, folder):
    domain = Domain.load(domain_file)
    store = RedisTrackerStore(domain, host=host, port=int(port))
    form = [ActionExecuted("table_form", policy="RulePolicy", confidence=1.0), ActiveLoop("table_form"), SlotSet("requested_slot", "city"),
            ActionExecuted("action_listen")]
    odd = [ReminderScheduled("greet", datetime.datetime(2030, 1, 2, 3, 4, 5)), FollowupAction("action_book"), UserUtteranceReverted(),
           AllSlotsReset(), Restarted()]
    conversations = {
        "empty": [[]],
        "sessions": [session({"lang": "de"}), turn("Rome, please", 1), turn("Oslo \U0001f351", 2), session(), turn("Bern", 3)],
        "form": [session(), stamped(form), turn("Kiel", 4)],
        'o"dd/\u00efd \U0001f351': [turn("Nice", 5), stamped(odd)],
    }
    for number, (sender, lists) in enumerate(conversations.items()):
        for events in lists:
            await extend(store, domain, sender, events)
        name = f"{folder}/{number}"
        with open(name + ".value", "w", encoding="utf-8") as f:
            f.write(store.red.get("tracker:" + sender))
        with open(name + ".json", "w", encoding="utf-8") as f:
            out = {"sender_id": sender, "retrieve": await events_of(store.retrieve(sender)),
                   "full": await events_of(store.retrieve_full_tracker(sender))}
            json.dump(out, f, indent=1, ensure_ascii=False)
            f.write("\n")


async def serve(host, port, prefix, domain_file):
    domain = Domain.load(domain_file)
    store = RedisTrackerStore(domain, host=host, port=int(port), key_prefix=prefix, record_exp=3600)
    held, number = {}, 0
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        number += 1
        order, *args = json.loads(line)
        sender = args[0] if args else None
        answer = "done"
        if order in ("turn", "session"):
            tracker = await store.retrieve(sender)
            CLOCK[0] = max(CLOCK[0], tracker.events[-1].timestamp if tracker and tracker.events else 0.0)
            await extend(store, domain, sender, turn(args[1], number) if order == "turn" else session(), tracker)
        elif order == "hold":
            held[sender] = await store.retrieve(sender)
        elif order == "late":
            tracker = held[sender]
            CLOCK[0] = max(CLOCK[0], tracker.events[-1].timestamp) + 1e4
            await extend(store, domain, sender, turn(args[1], number), tracker)
        elif order == "read":
            tracker = await store.retrieve(sender)
            answer = {"retrieve": await events_of(store.retrieve(sender)), "full": await events_of(store.retrieve_full_tracker(sender)),
                      "state": tracker and tracker.current_state(EventVerbosity.NONE)}
        elif order == "keys":
            answer = sorted(await store.keys())
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    commands = {"record": record, "serve": serve}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    asyncio.run(commands[sys.argv[1]](*sys.argv[2:]))
