"""Records what the event brokers of Rasa 3.6.21 send. Run by the tests of stores/broker/rabbitmq and stores/broker/kafka:

    go test ./stores/broker/rabbitmq ./stores/broker/kafka -record /path/to/python

Arguments: pika PORT or kafka HOST:PORT. Standard output is the recording, in the form of testdata/rasa.json there: a list
of runs, each with the value of RASA_ENVIRONMENT (null: not set), options and what readers got.
"""

import asyncio
import json
import logging
import os
import sys

import structlog

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    BotUttered,
    DefinePrevUserUtteredFeaturization,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.utils.endpoints import EndpointConfig

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))  # it prints, otherwise

ENVIRONMENTS = [None, "staging", ""]


def events():
    """Returns a little of everything, with texts that are not easy."""
    parse = {
        "intent": {"name": "order", "confidence": 0.987654321},
        "entities": [{"entity": "dish", "value": "crème brûlée", "start": 2, "end": 14}],
        "text": "a crème brûlée 🍑",
    }
    metadata = {"model_id": "0123456789abcdef", "assistant_id": "kitchen"}
    return [
        ActionExecuted("action_session_start", timestamp=1795320605.5, metadata=metadata, confidence=1.0),
        SessionStarted(timestamp=1795320605.6931615, metadata=metadata),
        ActionExecuted("action_listen", timestamp=1795320606.0, metadata=metadata),
        UserUttered(
            "a crème brûlée 🍑", parse["intent"], parse["entities"], parse_data=parse, timestamp=1795320607.25,
            input_channel="rest", message_id="m-1", metadata={"lang": "fr", **metadata},
        ),
        DefinePrevUserUtteredFeaturization(False, timestamp=1795320607.5, metadata=metadata),
        SlotSet("dish", "crème brûlée", timestamp=1795320608.0, metadata=metadata),
        SlotSet("extras", [1, 2.5, None, True, {"b": "\"quoted\"\n", "a": "\\"}], timestamp=1795320609.0),
        ActionExecuted("utter_served", policy="RulePolicy", confidence=0.1, timestamp=1795320610.0, metadata=metadata),
        BotUttered("<b>voilà</b>", {"buttons": [{"title": "x", "payload": "/x"}]}, {"utter_action": "utter_served"}, 1795320611.125),
        ActiveLoop("order_form", timestamp=1795320612.0),
        ActiveLoop(None, timestamp=1795320613.0),
        Restarted(timestamp=1795320614.0),
    ]


async def stream(options, environment, senders):
    """Lets Rasa send the events of senders and waits until they are out."""
    os.environ.pop("RASA_ENVIRONMENT", None)
    if environment is not None:
        os.environ["RASA_ENVIRONMENT"] = environment
    broker = await EventBroker.create(EndpointConfig.from_dict(options), asyncio.get_event_loop())
    store = InMemoryTrackerStore(Domain.empty(), event_broker=broker)
    for sender, list_of_events in senders.items():
        await store._stream_new_events(broker, list_of_events, sender)
    while getattr(broker, "_background_tasks", None):
        await asyncio.sleep(0.05)
    await broker.close()


async def pika(port):
    import aio_pika

    runs = []
    for n, environment in enumerate(ENVIRONMENTS):
        queue = f"recorded{n}"
        options = {"type": "pika", "url": "127.0.0.1", "port": int(port), "username": "guest", "password": "guest", "queues": [queue]}
        if n > 0:
            options["exchange_name"] = f"exchange{n}"
        await stream(options, environment, {"ann": events()})
        connection = await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{port}/")
        channel = await connection.channel()
        source, messages = await channel.get_queue(queue), []
        while (m := await source.get(fail=False, no_ack=True)) is not None:
            messages.append({
                "exchange": m.exchange, "routing_key": m.routing_key, "content_type": m.content_type,
                "content_encoding": m.content_encoding, "delivery_mode": int(m.delivery_mode), "priority": m.priority,
                "correlation_id": m.correlation_id, "reply_to": m.reply_to, "expiration": m.expiration, "type": m.type,
                "user_id": m.user_id, "app_id": m.app_id, "headers": dict(m.headers or {}), "body": m.body.decode(),
            })
        await connection.close()
        runs.append({"environment": environment, "exchange_name": options.get("exchange_name"), "messages": messages})
    return runs


async def kafka(address):
    from confluent_kafka import Consumer

    runs = []
    for n, environment in enumerate(ENVIRONMENTS):
        topic, by_sender = f"recorded{n}", n > 0
        senders = {"ann": events()}
        if by_sender:
            senders.update({s: [Restarted(timestamp=1.5)] for s in ["zoë 🍑", *(f"sender-{i}" for i in range(30))]})
        options = {"type": "kafka", "url": address, "security_protocol": "PLAINTEXT", "topic": topic, "partition_by_sender": by_sender}
        await stream(options, environment, senders)
        consumer = Consumer({"bootstrap.servers": address, "group.id": f"recorder{n}", "auto.offset.reset": "earliest"})
        consumer.subscribe([topic])
        want, records = sum(len(e) for e in senders.values()), []
        while len(records) < want:
            m = consumer.poll(1)
            if m is None or m.error():
                continue
            records.append({
                "partition": m.partition(), "offset": m.offset(), "key": m.key().decode() if m.key() is not None else None,
                "headers": [[k, v.decode()] for k, v in (m.headers() or [])], "value": m.value().decode(),
            })
        consumer.close()
        records.sort(key=lambda r: (r["partition"], r["offset"]))
        for r in records:
            del r["offset"]
        runs.append({"environment": environment, "partition_by_sender": by_sender, "messages": records})
    return runs


if __name__ == "__main__":
    kind, where = sys.argv[1:]
    recorded = asyncio.run({"pika": pika, "kafka": kafka}[kind](where))
    json.dump(recorded, sys.stdout, indent=1, ensure_ascii=False)
    print()
