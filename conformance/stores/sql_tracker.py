#!/usr/bin/env python3
"""What real Rasa 3.6.21 reads and writes in SQL databases; run it with the Python that Rasa is installed in.

usage: sql_tracker.py record URL DOMAIN FILE   writes conversations to an empty database and records its schema, the rows and
                                               what retrieve() and retrieve_full_tracker() give
       sql_tracker.py serve URL DOMAIN         reads orders, one a line of JSON, and answers each with a line of JSON, as
                                               redis_tracker.py does

URL is one of SQLAlchemy: sqlite:///FILE, postgresql://..., mysql+pymysql://...
"""
import asyncio, json, sys

import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import EventVerbosity

import redis_tracker as shared

SCHEMAS = {
    "sqlite": ["SELECT sql FROM sqlite_master WHERE name IN ('events', 'ix_events_sender_id') ORDER BY name"],
    "postgresql": [
        "SELECT column_name || '|' || data_type || '|' || coalesce(character_maximum_length, 0) || '|' || is_nullable || '|' || coalesce(column_default, '') "
        "FROM information_schema.columns WHERE table_name = 'events' ORDER BY ordinal_position",
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'events' ORDER BY indexname",
    ],
    "mysql": [
        "SELECT concat(column_name, '|', column_type, '|', is_nullable, '|', extra) FROM information_schema.columns "
        "WHERE table_schema = database() AND table_name = 'events' ORDER BY ordinal_position",
        "SELECT concat(index_name, '|', column_name, '|', non_unique) FROM information_schema.statistics "
        "WHERE table_schema = database() AND table_name = 'events' ORDER BY index_name, seq_in_index",
        "SELECT concat(table_name, '|', table_type) FROM information_schema.tables WHERE table_schema = database() AND table_type = 'SEQUENCE'",
    ],
}


async def record(url, domain_file, file):
    domain = Domain.load(domain_file)
    store = SQLTrackerStore(domain, host=url)
    conversations = {
        "sessions": [shared.session({"lang": "de"}), shared.turn("Rome, please", 1), shared.turn("Oslo \U0001f351", 2), shared.session(), shared.turn("Bern", 3)],
        "no session": [shared.turn("Kiel", 4)],
        'o"dd/\u00efd \U0001f351': [shared.session(), shared.turn("Nice", 5)],
    }
    out = {"conversations": []}
    for sender, lists in conversations.items():
        for events in lists:
            await shared.extend(store, domain, sender, events)
        out["conversations"].append({"sender_id": sender, "turns": [len(events) for events in lists],
                                     "retrieve": await shared.events_of(store.retrieve(sender)),
                                     "full": await shared.events_of(store.retrieve_full_tracker(sender))})
    with store.engine.connect() as c:
        out["schema"] = [row[0] for text in SCHEMAS[store.engine.dialect.name] for row in c.execute(sa.text(text))]
        out["rows"] = [list(row) for row in c.execute(sa.text(
            "SELECT id, sender_id, type_name, timestamp, intent_name, action_name, data FROM events ORDER BY id"))]
    with open(file, "w", encoding="utf-8") as f:
        json.dump(out, f, indent=1)
        f.write("\n")


async def serve(url, domain_file):
    domain = Domain.load(domain_file)
    store = SQLTrackerStore(domain, host=url)
    held, number = {}, 0
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        number += 1
        order, *args = json.loads(line)
        sender = args[0] if args else None
        answer = "done"
        if order in ("turn", "session"):
            tracker = await store.retrieve(sender)
            shared.CLOCK[0] = max(shared.CLOCK[0], tracker.events[-1].timestamp if tracker and tracker.events else 0.0)
            await shared.extend(store, domain, sender, shared.turn(args[1], number) if order == "turn" else shared.session(), tracker)
        elif order == "hold":
            held[sender] = await store.retrieve(sender)
        elif order == "late":
            await shared.extend(store, domain, sender, shared.turn(args[1], number), held[sender])
        elif order == "read":
            tracker = await store.retrieve(sender)
            answer = {"retrieve": await shared.events_of(store.retrieve(sender)), "full": await shared.events_of(store.retrieve_full_tracker(sender)),
                      "state": tracker and tracker.current_state(EventVerbosity.NONE)}
        elif order == "keys":
            answer = sorted(await store.keys())
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    commands = {"record": record, "serve": serve}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    asyncio.run(commands[sys.argv[1]](*sys.argv[2:]))
