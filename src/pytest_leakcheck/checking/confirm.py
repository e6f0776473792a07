"""Which survivors that nobody registered are a leak: those that accumulate.

Of what survives a test much is initialisation, or a slot that each test fills anew. So the test is run again, and a
leak is what is made anew while the earlier objects of its kind still live. Where a second run would do harm, another
test must leave a survivor in the same place while the first one still lives. What was found out is remembered by
place, and costs nothing the next time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_leakcheck.checking.evidence import MOST_KEPT, MOST_SECONDS, Evidence
from pytest_leakcheck.checking.held import is_held_by, may_live, names_on, where
from pytest_leakcheck.checking.ledger import MOST_REMEMBERED, Entrusted, Known, Ledger, Note, Verdict, summary
from pytest_leakcheck.checking.patience import is_let_go, patience
from pytest_leakcheck.explaining.explain import Finding, examine
from pytest_leakcheck.heap.below import are_reached, below
from pytest_leakcheck.heap.frames import running_threads
from pytest_leakcheck.model import Root
from pytest_leakcheck.runtime import rawtypes
from pytest_leakcheck.runtime.addresses import count_young
from pytest_leakcheck.watching.watch import Watch, Watched, alive, drop_adrift, drop_doomed

if TYPE_CHECKING:
    import weakref
    from collections import Counter
    from collections.abc import Callable, Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from pytest_leakcheck.checking.again import Again
    from pytest_leakcheck.checking.lending import Lending
    from pytest_leakcheck.model import Leak, Survivor
    from pytest_leakcheck.options import Ignored, Options

SLOW = 0.02
"""Seconds that a test must take for it to be quicker to look first whether its survivors are garbage than to run it
again: a look takes 10 to 40 ms among half a million objects (CPython 3.11)."""
_SLOWER = 0.25
"""Seconds that a test must take for a full collection to be quicker, of two million objects or so, where a look does
not tell: it made many objects, or long ago. Two runs' garbage would take twice the memory, too."""
_QUICK = 0.005
"""Seconds that a test may take for its second run to cost no more than what is looked at then: 2 to 10 ms."""
_LOOK = 3
"""So many of those cost what a look at old objects does."""
_IN_VAIN = 3
"""Tests of one leak that were given time, each in vain, for no further one to be given any."""
_MANY = 5_000
"""Survivors of one run that a full collection tells from garbage sooner than a second run and a search do."""
_ALL_ALIVE = "Each of three runs left another one, and all of them are alive."


class _Both(NamedTuple):
    """The survivors of a first and a second run."""

    objects: list[Any]
    facts: list[Survivor]
    number: int
    """How many of them, the first ones, the second run left."""


class _Strays(NamedTuple):
    """What three runs left one after the other in places of their own, all of which are alive."""

    types: AbstractSet[str] = frozenset()
    """The names of their types."""
    latest: AbstractSet[int] = frozenset()
    """The ids of what the third run left."""


_NO_STRAYS = _Strays()


@dataclass(slots=True)
class Confirmation:
    """The judgement of one test's survivors that nobody registered."""

    ledger: Ledger
    test: str
    watch: Watch
    options: Options
    is_strict: bool
    """Whether all that comes anew in a second run is a leak, replaced or not."""
    within: float | None = None
    """Seconds that survivors may take to die; None: as `patience` has it."""
    leave_out: Callable[[Watch], None] | None = None
    """Has a watch forget what pytest keeps for the session."""
    instance: weakref.ref[Any] | None = None
    """What pytest made of the test's class: by itself it is not watched, so old that only a full collection tells."""
    lending: Lending | None = None
    """The wider-scoped fixtures that stand."""
    entrusted: list[Entrusted] = field(default_factory=list)
    """What was found out to be held by wider-scoped fixtures alone."""
    _recognised: list[weakref.ref[Any]] = field(default_factory=list)
    """What was judged by the known place that holds it."""
    _waiting: Sequence[list[Any]] = ()
    """What is at known places that are yet to be judged by."""
    _young: int = 0
    """How many young objects there were as the last further run began, where it matters."""
    _running: frozenset[int] = frozenset()
    """The ids of the threads that ran before any further run."""
    _evidence: dict[str, Evidence] = field(default_factory=dict)
    """By the fingerprints of leaks, what they were told by."""

    def judge(self, again: Again | None) -> list[Leak]:
        """Return the leaks; `again` is how the test may be run again, None where it may not."""
        leaks: list[Leak] = []
        if not self.is_strict:
            found = self.ledger.recognise(self.watch)
            while found:
                known, members = found.pop(0)
                self._waiting = [others for _, others in found]
                leaks += self._at_known(known, members, again)
                del members  # a list of ours that still lived would be counted as a holder that nobody sees
        left = len(self.watch)
        if not self.is_strict:
            drop_adrift(self.watch)
        if self.watch.has_only(self.instance):
            return leaks
        seconds = again.seconds if again is not None else 0.0
        is_in_peril = self.watch.is_in_peril()
        is_looked_at = is_in_peril or (seconds > SLOW and not self.is_strict)
        is_costly = is_in_peril or seconds > _SLOWER or len(self.watch) > _MANY
        if is_looked_at and not drop_doomed(self.watch) and is_costly:
            self.watch.collect(most=1)  # a second run could bring it back to life, and nobody would see that
        if is_looked_at and self._recognised and 0 < len(self.watch) < left:
            self._recognise_below()
        if not len(self.watch):
            return leaks
        before = self.watch.numbers()
        further = self._run_again(again)
        if again is not None and further:
            fresh = self._by_repeat(further, before, again)
            has_left_any = fresh or len(further[-1])
            return leaks + self._with_lines(fresh, again) if has_left_any else self._made_once(leaks)
        is_certain = self.is_strict and again is None  # a second run that failed tells nothing of what it would leave
        return leaks + (self._by_survival() if is_certain else self._by_recurrence())

    def _made_once(self, leaks: list[Leak]) -> list[Leak]:
        """Set aside what a first run left at known places, as a second one left nothing, there or elsewhere."""
        self.ledger.untell(self.test)
        for leak in leaks:
            self._tell(leak, "", "made once, not again by a second run")
        return []

    def _recognise_below(self) -> None:
        """Forget what only garbage kept from hanging below what was recognised alone."""
        self.watch.collect(most=1)
        held = [obj for ref in self._recognised if (obj := ref()) is not None]
        self.watch.forget(below(held, self.watch.nodes().keys()))

    def _at_known(self, known: Known, members: list[Any], again: Again | None) -> list[Leak]:
        if known.verdict == "lent":
            self._lend_more(known, members)
            return []
        if again is not None and self._may_grow(known):
            return []  # a second run tells more than another test
        if known.verdict == "leak" and known.is_weak and not self._outlive(known, members):
            return []
        leaks: list[Leak] = []
        if known.verdict == "crowded":
            self._note_pending(known)
        else:
            leaks = self._seen_again(known, members, is_growing=again is None and self._is_growing(known))
        refs = self.watch.refs(members)
        if known.verdict == "leak":
            known.keep_in_mind(refs)
        self._recognised += refs
        self.watch.forget(members)
        return leaks

    def _outlive(self, known: Known, members: list[Any]) -> bool:
        """Take out of `members` what dies in a full collection, unless it keeps its key; tell whether any is left."""
        nodes = set(map(id, members))
        if any(growth.leads_back(nodes) for growth in known.growths):
            return True
        members.clear()  # this list would keep alive what is waited for
        self.watch.collect()
        members += [obj for obj in self.watch.alive() if id(obj) in nodes]
        return bool(members)

    def _lend_more(self, known: Known, members: list[Any]) -> None:
        """Leave survivors at a place that a fixture lends to that, or, where it has ended, to be judged anew."""
        if self.lending is not None and self.lending.stands(known.lender):
            self._note_entrusted(known.lender, members, self.watch.facts(members))
            self.watch.forget(members)
        else:
            self.ledger.known.remove(known)

    def _seen_again(self, known: Known, members: list[Any], *, is_growing: bool) -> list[Leak]:
        """Judge survivors at a known place, without a repeat, a full collection or a search."""
        facts = tuple(self.watch.facts(members))
        if known.verdict == "leak" and self.options.baseline:
            return self._by_own_chains(members)
        if known.verdict == "leak" and known.is_told:
            return [replace(known.leak, survivors=facts, also_keeps=(), seen_in=known.test)]
        leak = replace(known.leak, survivors=facts, also_keeps=())
        if known.verdict == "leak":
            known.test, known.is_told = self.test, True
            return [self._in_full(leak, members)]
        known.refs = self.watch.refs(members)[:MOST_REMEMBERED]
        if not is_growing or known.verdict == "replaced":  # so far: a slot for each of several keys grows once for each
            if is_growing:
                known.verdict = "pending"
            known.test = self.test
            self._note_pending(known)
            return []
        known.verdict = "leak"
        first, known.test = known.test, self.test
        note = f"Another one, left there by {first}, is still alive."
        if self.options.baseline:
            known.is_told = False  # each of them is, by its own chain
            return [replace(each, beside=first) for each in self._by_own_chains(members, note)]
        return [self._in_full(replace(leak, note=note, beside=first), members)]

    def _by_own_chains(self, members: list[Any], note: str = "") -> list[Leak]:
        """Return the leaks that survivors at a known place make up, each told from its own chain.

        A place is recognised by the types on the way, so that the first leak found there may go by another name; what a
        baseline lists must not depend on which test came first.
        """
        leaks = []
        facts = self.watch.facts(members)
        for finding in examine(members, facts, self._waiting, seconds=self.options.search_limit, fresh=len(members)):
            if self._may_live(finding.leak):
                continue
            leak = replace(finding.leak, seen_in=self.ledger.told(finding.leak), note=note)
            if not leak.seen_in and not self.options.pardons(leak):
                self.ledger.known.append(Known("leak", leak, self.test, None))
                leak = self._in_full(leak, [members[index] for index in finding.members], members)
            leaks.append(leak)
        return leaks

    def _note_pending(self, known: Known) -> None:
        if known.verdict in ("pending", "crowded"):
            self.ledger.notes.append(Note("pending", known.leak.fingerprint))

    def _may_grow(self, known: Known) -> bool:
        """Tell whether a second run is to say if a place that is no known leak grows."""
        if known.verdict == "crowded" or (known.verdict == "bounded" and not known.is_certain):
            return True
        if known.verdict == "pending" and not known.refs:
            return True  # what takes no weak reference can't be told to live still
        is_open = known.verdict in ("pending", "replaced") and known.has_living()
        return is_open and (known.holds_living() or self._is_growing(known))

    def _is_growing(self, known: Known) -> bool:
        """Tell whether what another test left at a place that is no known leak still lives."""
        if known.verdict not in ("pending", "replaced") or not known.has_living():
            return False
        if not known.still_has_living(is_alone=False):  # replaced, and garbage or not: so nothing need be collected
            return False
        self.watch.collect()  # what leads to it beside the place may be garbage that waits for the collector
        return known.still_has_living()

    def _with_lines(self, leaks: list[Leak], again: Again) -> list[Leak]:
        """Return leaks with the lines that made their survivors, for which the test is run once more."""
        if all(leak.seen_in for leak in leaks):
            return leaks
        try:
            watch = again(is_traced=True)
            facts = watch.facts(watch.alive()) if watch is not None else []
        except Exception:  # noqa: BLE001 - the leaks are found, and told without these lines
            return leaks
        if watch is not None:
            leaks = self._going_on(leaks, watch, again)
        lines = self._lines(watch, facts) if watch is not None else {}

        def told(leak: Leak, survivor: Survivor) -> Survivor:
            key = survivor.type_name
            fact = lines.get((leak.fingerprint, key), lines.get(("", key)))
            if survivor.made or fact is None:
                return survivor
            return replace(survivor, made=fact.made, file=fact.file, line=fact.line)

        return [replace(leak, survivors=tuple(told(leak, survivor) for survivor in leak.survivors)) for leak in leaks]

    def _lines(self, watch: Watch, facts: Sequence[Survivor]) -> dict[tuple[str, str], Survivor]:
        """Return by type what is known of one that was made; where several lines made some, by leak and type.

        The first part of a key is a leak's fingerprint, or empty. Several lines that led to one leak tell nothing.
        """
        made = [fact for fact in facts if fact.made]
        number = rawtypes.counts_of(name for name, _ in {(fact.type_name, fact.made) for fact in made})
        lines = {("", fact.type_name): fact for fact in made if number[fact.type_name] == 1}
        if len(lines) == len(number):
            return lines
        objects = watch.alive()
        known = watch.facts(objects)
        for finding in examine(objects, known, seconds=self.options.search_limit, fresh=len(objects)):
            found = [known[index] for index in finding.members if known[index].made]
            several = rawtypes.counts_of(name for name, _ in {(fact.type_name, fact.made) for fact in found})
            lines.update(
                {
                    (finding.leak.fingerprint, fact.type_name): fact
                    for fact in found
                    if number[fact.type_name] > 1 and several[fact.type_name] == 1
                }
            )
        return lines

    def _going_on(self, leaks: list[Leak], latest: Watch, again: Again) -> list[Leak]:
        """Return the leaks that go on after the `latest` run, and after some more where little is there."""
        leaks = [leak for leak in leaks if leak.seen_in or not self._has_ended(leak, latest)]
        for _ in range(min(MOST_KEPT, int(MOST_SECONDS / max(again.seconds, 0.001)))):
            told = (leak for leak in leaks if not leak.seen_in and leak.fingerprint in self._evidence)
            is_open = any(self._evidence[leak.fingerprint].is_open(leak) for leak in told)
            try:
                watch = again(is_told=False) if is_open else None
            except Exception:  # noqa: BLE001 - nothing speaks against the leaks so far
                watch = None
            if watch is None:
                break
            leaks = [leak for leak in leaks if leak.seen_in or not self._has_ended(leak, watch)]
        return leaks

    def _has_ended(self, leak: Leak, latest: Watch) -> bool:
        """Tell whether a further run left none of a leak's types, or let go of as many as the one before had added.

        So it keeps a number of them, as a pool does that takes so many, or a buffer that is cut to its length; nothing
        tells of it but that.
        """
        evidence = self._evidence.get(leak.fingerprint)
        if evidence is None:
            return False
        left = {fact.type_name for fact in latest.facts(latest.alive())}
        is_full = left.isdisjoint(survivor.type_name for survivor in leak.survivors)
        if evidence.goes_on(latest) and not is_full:
            return False
        evidence.known.verdict = "replaced"
        evidence.known.growths.clear()
        self._tell(leak, "", "replaced after some more runs")
        return True

    def _run_again(self, again: Again | None) -> list[Watch]:
        """Return what each further run left, or nothing if the test may not or could not be run again."""
        further: list[Watch] = []
        if again is None:
            return further
        self._running = running_threads()
        for number in range(max(1, self.options.repeat) if self.is_strict else self.options.repeat):
            if not number:
                self.ledger.notes.append(Note("repeated", self.test))
            watch = self._left_by(again)
            if watch is None:
                return []
            further.append(watch)
        return further

    def _left_by(self, again: Again) -> Watch | None:
        self._young = count_young() if self.watch.addressed else 0
        watch = again()
        if watch is not None and self.leave_out is not None:
            self.leave_out(watch)
        return watch

    def _by_repeat(self, further: list[Watch], before: Counter[str], again: Again) -> list[Leak]:
        """Judge what further runs left; `before` tells how many objects of each type the first one had left."""
        *between, second = further
        for watch in between:
            self.watch.take_over(watch)
        self.watch.forget_addresses(second.addressed)  # what was there is dead: the second run made something there
        self.watch.outlast(second, self._young)
        if not second.collect_young(self.watch):
            self.watch.drop_dead_refs()
            if len(self.watch):
                left = self.watch.summary()
                self.ledger.set_aside(f"{self.test}: {left} made once, not again by a second run: initialisation")
            return []
        is_told = self.is_strict or self.options.is_verbose
        has_looked = self._drop_garbage(second, is_told=is_told)
        if not len(second):
            return []
        if not (len(self.watch) or is_told):
            return self._replaced(second, 1 + int(again.seconds / _QUICK) + _LOOK * has_looked)
        both = self._of_both_runs(second)
        findings = self._examined(both)
        suspected = [finding for finding in findings if self._may_be_leak(finding, both.number)]
        if suspected:
            fresh = {id(both.objects[index]) for each in suspected for index in each.members if index < both.number}
            del both  # its list would keep alive what is waited for
            living = len(second), len(self.watch)
            if not self._outlast(second, suspected, fresh):
                return []
            both = self._of_both_runs(second)
            if living != (len(second), len(self.watch)):
                findings = self._examined(both)
        types, strays = self._strays(findings, both, before), _NO_STRAYS
        if types:
            del both
            strays = self._go_on(types, second, again)
            both = self._of_both_runs(second)
            findings = self._examined(both)
        return self._leaks_of(findings, both, second, strays)

    def _drop_garbage(self, second: Watch, *, is_told: bool) -> bool:
        """Forget what waits for the collector; unless all `is_told`, only until none of the first run's is left.

        Tells whether that took a look at old objects.
        """
        if not (self.watch.drop_dead() or is_told):
            return False
        if not drop_doomed(second, self.watch) and (len(self.watch) or is_told):
            second.collect(most=1)
            self.watch.drop_dead()  # a full collection was for both
        return True

    def _strays(self, findings: Iterable[Finding], both: _Both, before: Counter[str]) -> AbstractSet[str]:
        """Return the types of which the second run left more, in places of their own, than have died of the first's.

        So nothing of the first run's was replaced by those.
        """
        if self.is_strict:
            return frozenset()
        left = rawtypes.counts_of(fact.type_name for fact in both.facts[both.number :])
        members = [each.members for each in findings if max(each.members) < both.number and self._may_stray(each)]
        fresh = rawtypes.counts_of(both.facts[index].type_name for indexes in members for index in indexes)
        return {name for name in fresh if left[name] and fresh[name] > before[name] - left[name]}

    def _may_stray(self, finding: Finding) -> bool:
        """Tell whether a finding with the survivors of one run alone may be a leak, and is no known one."""
        trace = finding.leak.trace
        known = self.ledger.find(finding)
        if trace is None or trace.bound or may_live(finding.leak) or (known is not None and known.verdict == "leak"):
            return False
        return self._ignored_by(finding.leak) is None

    def _at_fault(self, finding: Finding, findings: Iterable[Finding], both: _Both, strays: _Strays) -> Finding | None:
        """Return which finding tells of the place of strays, one of which the second run left in that of `finding`.

        That one where the third run has left one there as well: what the first one made was made once. Else it may be
        in a slot by now, and what may be a leak of survivors of the first run alone is at fault, if there is any.
        """
        if finding.place is not None and not strays.latest.isdisjoint(finding.place.held()):
            return finding
        name = both.facts[finding.members[0]].type_name
        for elder in findings:
            names = {both.facts[index].type_name for index in elder.members}
            if min(elder.members) >= both.number and name in names and self._may_stray(elder):
                return elder
        return None

    def _go_on(self, types: AbstractSet[str], second: Watch, again: Again) -> _Strays:
        """Run the test once more; return those of some types of which that leaves another one while the others live.

        Only a third run tells such a place for each of them from the two that a slot for the latest and one for that
        before it make.
        """
        earlier = self.watch.numbers() + second.numbers()
        third = self._left_by(again)
        if third is None:
            return _NO_STRAYS
        third.collect()
        for watch in (second, self.watch):
            watch.drop_dead()
        left, later = self.watch.numbers() + second.numbers(), third.numbers()
        return _Strays({name for name in types if later[name] > earlier[name] - left[name]}, third.nodes().keys())

    def _outlast(self, second: Watch, suspected: Sequence[Finding], fresh: AbstractSet[int]) -> bool:
        """Give the survivors of both runs time to die; tell whether the second one has any left.

        `fresh` are the ids of those that the second one left of what is `suspected` to leak.
        """
        awaited = [finding.leak for finding in suspected if self.is_strict or not self._is_old_story(finding)]
        seconds = patience(awaited, self.within)
        if second.collect(most=1) and (_are_held(suspected, second, fresh) or second.collect()) and seconds:
            second.settle(seconds, self.options.extensions.drain)
        self.watch.drop_dead()
        return len(second) > 0

    def _is_old_story(self, finding: Finding) -> bool:
        """Tell whether several tests have waited in vain for what leaks, or is replaced at last, in the same way."""
        known = self.ledger.find(finding)
        return known is not None and known.times >= _IN_VAIN

    def _replaced(self, second: Watch, cost: int) -> list[Leak]:
        """Remember where the second run's survivors are, all of the first one's being dead: none of them accumulates.

        No leak then, wherever they are; so the heap is only searched where it pays to know the place, by what that
        run's `cost` was.
        """
        reach = self.ledger.reach(second.type_names(), cost)
        if not reach or (reach == "far" and drop_doomed(second) and not len(second)):  # near a module is no garbage
            return []
        both = self._of_both_runs(second)
        findings = self._examined(both, is_near=reach == "near")
        return self._leaks_of([each for each in findings if each.leak.trace is not None], both, second)

    def _of_both_runs(self, second: Watch) -> _Both:
        fresh, old = alive(second, self.watch)
        return _Both([*fresh, *old], [*second.facts(fresh), *self.watch.facts(old)], len(fresh))

    def _examined(self, both: _Both, *, is_near: bool = False) -> tuple[Finding, ...]:
        """Return what keeps the survivors of both runs alive."""
        objects, facts, number = both
        found = examine(objects, facts, seconds=self.options.search_limit, fresh=number, is_near=is_near)
        return tuple(map(self._lent, found))

    def _may_be_leak(self, finding: Finding, number: int) -> bool:
        """Tell whether a finding may be one once a full collection is over: it may also turn out to be garbage."""
        trace, fresh = finding.leak.trace, [index for index in finding.members if index < number]
        if trace is None or self.is_strict:
            return bool(fresh)
        return self._is_of_both(finding, number) and not trace.bound and not may_live(finding.leak)

    def _is_of_both(self, finding: Finding, number: int) -> bool:
        """Tell whether both runs left something in one place, which is not a variable of each of several threads."""
        fresh = sum(index < number for index in finding.members)
        return 0 < fresh < len(finding.members) and not finding.is_kept_by_each_of(self._running)

    def _leaks_of(
        self, findings: Sequence[Finding], both: _Both, second: Watch, strays: _Strays = _NO_STRAYS
    ) -> list[Leak]:
        """Return the leaks among findings; what is of a type of `strays` is one, although nothing is beside it."""
        objects, facts, number = both
        leaks: list[Leak] = []
        for finding in findings:
            fresh = [objects[index] for index in finding.members if index < number]
            leak = replace(finding.leak, survivors=tuple(second.facts(fresh)), also_keeps=())
            if not fresh:  # made once: initialisation, whatever holds it
                continue
            self._entrust(finding, objects, facts)
            if self._may_live(leak):
                continue
            is_growing, members, source = self._is_of_both(finding, number), fresh, finding
            if not is_growing and leak.survivors[0].type_name in strays.types and self._may_stray(finding):
                at_fault = self._at_fault(finding, findings, both, strays)
                if at_fault is not None:
                    leak = replace(at_fault.leak, survivors=leak.survivors, also_keeps=(), note=_ALL_ALIVE)
                    is_growing, source = True, at_fault
                    if at_fault is not finding:
                        members = [objects[index] for index in at_fault.members]
            for confirmed in self._verdict(source._replace(leak=leak), second, fresh, is_growing=is_growing):
                told = confirmed if confirmed.seen_in else self._in_full(confirmed, members, objects)
                leaks.append(told)
                self._note_evidence(told, source, [objects[index] for index in source.members], second, len(fresh))
        return leaks

    def _note_evidence(self, leak: Leak, source: Finding, members: list[Any], second: Watch, number: int) -> None:
        known = self.ledger.find(source)
        if known is not None and not self.is_strict:
            refs = second.refs(members) + self.watch.refs(members)
            self._evidence[leak.fingerprint] = Evidence(refs, number, known, source.container, source.is_named)

    def _in_full(self, leak: Leak, members: list[Any], *own: list[Any]) -> Leak:
        """Return a leak that is to be told with all that its verdict did not need."""
        facts = [leak.survivors[0]] * len(members)  # those of the leak are told
        words = self.options.extensions.describe
        full = examine(members, facts, (*own, *self._waiting), seconds=self.options.search_limit, words=words)[0].leak
        return replace(full, survivors=leak.survivors, also_keeps=(), note=leak.note, beside=leak.beside)

    def _verdict(self, finding: Finding, second: Watch, fresh: list[Any], *, is_growing: bool) -> list[Leak]:
        bound = finding.leak.trace.bound if finding.leak.trace else ""
        if self.is_strict:
            return [finding.leak]
        if is_growing and not bound:
            told = self.ledger.told(finding.leak)
            self.ledger.remember("leak", finding, told or self.test, second, fresh)
            return [replace(finding.leak, seen_in=told)]
        known = self.ledger.find(finding)
        if known is not None and known.verdict == "leak":  # what the first run left there is told by now
            self.ledger.remember_beside(known, finding, self.test, second, fresh)
            return []
        verdict: Verdict = "bounded" if bound else "replaced"
        self.ledger.remember(verdict, finding, self.test, second, fresh).is_certain = True
        self._tell(finding.leak, bound, "replaced by the next")
        return []

    def _tell(self, leak: Leak, bound: str, otherwise: str) -> None:
        """Note why what a place holds is no leak; that it is bounded is a warning."""
        if bound:
            self.ledger.tell_bound(self.test, leak, where(leak), bound)
        else:
            self.ledger.set_aside(f"{self.test}: {summary(leak)} in {where(leak)}: {otherwise}")

    def _by_recurrence(self) -> list[Leak]:
        """Wait for another test that leaves a survivor in the same place while one of this test's still lives."""
        leaks: list[Leak] = []
        for finding, members in self._findings():
            if finding.leak.trace is None:  # nothing to tell by that another one is of the same cause
                self.ledger.notes.append(Note("pending", ""))
                continue
            known = self.ledger.find(finding)
            if known is not None:
                is_growing = not finding.is_kept_by_each_of(known.running) and self._is_growing(known)
                leaks += self._seen_again(known, members, is_growing=is_growing)
                continue
            bound = finding.leak.trace.bound
            known = self.ledger.remember("bounded" if bound else "pending", finding, self.test, self.watch, members)
            self._note_pending(known)
            self.ledger.crowd(known)
            self._tell(finding.leak, bound, "a leak if another test leaves one there")
        return leaks

    def _by_survival(self) -> list[Leak]:
        return [finding.leak for finding, _ in self._findings()]

    def _findings(self) -> list[tuple[Finding, list[Any]]]:
        is_held = drop_doomed(self.watch) and not self.is_strict
        if not len(self.watch) or not (is_held or self.watch.collect()):
            return []
        objects, findings = self._all_examined()
        leaks = [finding.leak for finding in findings if self._is_awaited(finding)]
        seconds = patience(leaks, self.within)
        if seconds or is_let_go(leaks):
            objects.clear()  # this list would keep alive what is waited for
            self.watch.settle(seconds, self.options.extensions.drain)
            objects, findings = self._all_examined()
        for finding in findings:
            self._entrust(finding, objects, self.watch.facts(objects))
        kept = [finding for finding in findings if not self._may_live(finding.leak)]
        return [(finding, [objects[index] for index in finding.members]) for finding in kept]

    def _is_awaited(self, finding: Finding) -> bool:
        """Tell whether the verdict may depend on a wait: not where further ones are known to be a leak.

        Nor where the one before was let go of, so that one more is none yet.
        """
        known = self.ledger.find(finding)
        return known is None or self.is_strict or (known.verdict in ("pending", "replaced") and known.has_living())

    def _all_examined(self) -> tuple[list[Any], tuple[Finding, ...]]:
        """Return the survivors and what keeps them alive."""
        objects = self.watch.alive() if self.watch.drop_dead() else []
        if not objects:
            return [], ()
        fresh = None if self.is_strict else len(objects)
        facts = self.watch.facts(objects)
        words = self.options.extensions.describe
        found = examine(objects, facts, seconds=self.options.search_limit, fresh=fresh, words=words)
        return objects, tuple(map(self._lent, found))

    def _lent(self, finding: Finding) -> Finding:
        """Return a finding as one that a wider-scoped fixture holds: it made what leads there, or will clear it."""
        trace = finding.leak.trace
        if trace is None or self.lending is None or may_live(finding.leak):
            return finding
        lending = self.lending
        name = lending.lender_of(finding.above) or lending.lender_of_each(finding.threads)
        name = name or lending.clearer_of(names_on(trace))
        if not name:
            return finding
        return finding._replace(leak=replace(finding.leak, trace=replace(trace, root=Root(name, "fixture"))))

    def _entrust(self, finding: Finding, objects: list[Any], facts: Sequence[Survivor]) -> None:
        trace = finding.leak.trace
        if trace is not None and trace.root.kind == "fixture":
            members = [objects[index] for index in finding.members]
            self._note_entrusted(trace.root.name, members, [facts[index] for index in finding.members])
            if finding.place is not None:
                self.ledger.remember("lent", finding, self.test, self.watch, ()).lender = trace.root.name

    def _note_entrusted(self, fixture: str, members: list[Any], facts: Sequence[Survivor]) -> None:
        refs = zip(map(rawtypes.weak_reference, members), facts, strict=True)
        watched = [Watched(ref, fact) for ref, fact in refs if ref is not None]
        self.entrusted.append(Entrusted(fixture, watched))

    def _may_live(self, leak: Leak) -> bool:
        ignored = self._ignored_by(leak)
        if ignored is not None:
            self.ledger.ignore(self.test, leak, ignored.name, ignored.reason)
        return ignored is not None or may_live(leak)

    def _ignored_by(self, leak: Leak) -> Ignored | None:
        return next((ignored for ignored in self.options.ignore if is_held_by(leak, ignored.name)), None)


def _are_held(findings: Sequence[Finding], watch: Watch, wanted: AbstractSet[int]) -> bool:
    """Tell whether those of the watched that have the ids `wanted` are reached from known places: none is garbage.

    Finalizers may have let go of some in a collection, which takes another one to free them.
    """
    living = watch.nodes().keys() & wanted
    held = {node: obj for each in findings if each.place is not None for node, obj in each.place.held().items()}
    containers = [each.container.held(is_exact=False) for each in findings if each.container is not None]
    return are_reached(
        living, [*(held[node] for node in living & held.keys()), *(obj for each in containers for obj in each.values())]
    )
