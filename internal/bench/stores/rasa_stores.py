"""What turns cost in the store classes of real Rasa 3.6.21: reads orders, one a line of JSON, and answers each by a line.

The orders are those of worker_test.go: open a store, add turns to conversations. A turn is retrieve() and save(), the events
are the same.
"""
import asyncio, json, os, resource, sys, time

from rasa.core import tracker_store as stores
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted, BotUttered, DefinePrevUserUtteredFeaturization, SessionStarted, SlotSet, UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

DOMAIN = Domain.from_yaml(sys.argv[1])
CLASSES = {"in_memory": stores.InMemoryTrackerStore, "sql": stores.SQLTrackerStore, "mongod": stores.MongoTrackerStore,
           "redis": stores.RedisTrackerStore, "dynamo": stores.DynamoTrackerStore}
CLOCK = [1.75e9]
METADATA = {"model_id": "d6bdc5ca0e114ca280b9e3ba28b33184", "assistant_id": "bench"}


def stamped(events):
    for event in events:
        CLOCK[0] += 0.125
        event.timestamp, event.metadata = CLOCK[0], METADATA
    return events


def session():
    return stamped([ActionExecuted("action_session_start", confidence=1.0), SessionStarted(), ActionExecuted("action_listen")])


def turn():
    text = "I want to go to Rome"
    parse = {"text": text, "intent": {"name": "inform", "confidence": 0.98},
             "entities": [{"entity": "city", "value": "Rome", "start": 16, "end": 20}]}
    return stamped([
        UserUttered(text, parse["intent"], parse["entities"], parse, input_channel="rest", message_id="49a7867964af460a92547f58e1a98090"),
        SlotSet("city", "Rome"),
        DefinePrevUserUtteredFeaturization(False),
        ActionExecuted("utter_city", policy="RulePolicy", confidence=1.0),
        BotUttered("You said Rome", {"buttons": None, "custom": None}),
        ActionExecuted("action_listen", policy="RulePolicy", confidence=1.0),
    ])


async def add(store, sender, events):
    tracker = await store.retrieve(sender) or DialogueStateTracker(sender, DOMAIN.slots)
    for event in events:
        tracker.update(event, DOMAIN)
    await store.save(tracker)


def open_store(name, options):
    options = dict(options)
    if "endpoint_url" in options:
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = options.pop("endpoint_url")
    if "url" in options:
        options["host"] = options.pop("url")
    return CLASSES[name](domain=DOMAIN, **options)


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def main():
    store = None
    for line in sys.stdin:
        order = json.loads(line)
        answer = {"turns": 0, "cpu": 0, "wall": 0}
        try:
            if order["do"] == "open":
                store = open_store(order["store"], order.get("options", {}))
            elif order["do"] == "grow":
                for sender in order["senders"]:
                    events = session()
                    while len(events) < order["events"]:
                        events += turn()
                    await add(store, sender, events)
            else:
                began, used = time.time(), cpu()
                for _ in range(order["turns"]):
                    for sender in order["senders"]:
                        await add(store, sender, turn())
                        answer["turns"] += 1
                        if time.time() - began > order["seconds"]:
                            break
                    if time.time() - began > order["seconds"]:
                        break
                answer["cpu"], answer["wall"] = (cpu() - used) * 1e6, (time.time() - began) * 1e6
        except Exception as error:  # the row says so
            answer["error"] = f"{type(error).__name__}: {error}"
        print("\n" + json.dumps(answer), flush=True)


asyncio.run(main())
