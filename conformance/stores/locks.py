#!/usr/bin/env python3
"""What real Rasa 3.6.21 does with conversation locks in Redis; run it with the Python that Rasa is installed in.

usage: locks.py record PORT FILE            records the values of a lock from first to last, as FILE
       locks.py dumps                       reads values from standard input, one a line, and prints what Rasa writes of them
       locks.py hold PORT ID SECONDS LIFETIME
                                            holds a lock; prints "held" and "released"
       locks.py contend PORT ID SECONDS PROCESSES POLL [MARK]
                                            locks in a loop; prints how often, and how often somebody else was inside

"contend" counts who is inside in the keys MARK:rasa and MARK:parley, and adds the seconds of waits to what it prints.
"""
import asyncio, json, multiprocessing, sys, time

from rasa.core.lock import TicketLock
from rasa.core.lock_store import RedisLockStore


def store(port):
    return RedisLockStore(host="127.0.0.1", port=int(port))


def record(port, file):
    locks, states = store(port), []
    red, key = locks.red, "lock:user/ü \"1\""
    name = key[len("lock:"):]

    def note(state):
        raw = red.get(key)
        states.append({"state": state, "raw": raw and raw.decode()})

    red.delete(key)
    for number in range(3):
        assert locks.issue_ticket(name, 60) == number
        note(f"ticket {number} issued")
    locks.cleanup(name, 1)
    note("ticket 1 gave up")
    locks.cleanup(name, 0)
    note("ticket 0 served")
    locks.finish_serving(name, 2)
    note("ticket 2 served, about to be deleted")
    locks.cleanup(name, 2)
    note("all served")
    with open(file, "w", encoding="utf-8") as f:
        json.dump({"conversation_id": name, "states": states}, f, indent=1)
        f.write("\n")


def dumps():
    for line in sys.stdin:
        print(TicketLock.from_dict(json.loads(line)).dumps())


def hold(port, name, seconds, lifetime):
    async def run():
        async with store(port).lock(name, lock_lifetime=float(lifetime)):
            print("held", flush=True)
            await asyncio.sleep(float(seconds))
        print("released", flush=True)

    asyncio.run(run())


def contender(port, name, seconds, poll, mark, results):
    locks = store(port)
    red, end = locks.red, time.time() + float(seconds)
    out = {"turns": 0, "beside_rasa": 0, "beside_parley": 0, "errors": 0, "waits": []}

    async def turns():
        while time.time() < end:
            asked = time.time()
            try:
                async with locks.lock(name, wait_time_in_seconds=float(poll)):
                    out["waits"].append(round(time.time() - asked, 4))
                    pipe = red.pipeline()
                    pipe.incr(mark + ":rasa")
                    pipe.get(mark + ":parley")
                    rasa, parley = pipe.execute()
                    out["turns"] += 1
                    out["beside_rasa"] += rasa > 1
                    out["beside_parley"] += int(parley or 0) > 0
                    await asyncio.sleep(0.02)
                    red.decr(mark + ":rasa")
            except Exception as e:
                out["errors"] += 1
                out["error"] = repr(e)
            await asyncio.sleep(0.001)

    async def bounded():
        try:
            await asyncio.wait_for(turns(), float(seconds) + 5)
        except asyncio.TimeoutError:
            out["stuck"] = 1

    asyncio.run(bounded())
    results.put(out)


def contend(port, name, seconds, processes, poll, mark="inside"):
    results = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=contender, args=(port, name, seconds, poll, mark, results)) for _ in range(int(processes))]
    for w in workers:
        w.start()
    total = {"turns": 0, "beside_rasa": 0, "beside_parley": 0, "errors": 0, "stuck": 0, "waits": []}
    for _ in workers:
        for key, n in results.get().items():
            if key in total:
                total[key] += n
            else:
                total[key] = n
    for w in workers:
        w.join()
    print(json.dumps(total))


if __name__ == "__main__":
    {"record": record, "dumps": dumps, "hold": hold, "contend": contend}[sys.argv[1]](*sys.argv[2:])
