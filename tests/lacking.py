"""Tests that an interpreter can't run, each with the reason: what they ask for is not there."""

from __future__ import annotations

import sys
import sysconfig

_NOTHING_DIES = "nothing dies on PyPy before a collection"
_NO_PYTHONAPI = "PyPy has no ctypes.pythonapi to lose a reference in C with"
_NO_TRACEMALLOC = "PyPy has no tracemalloc, which tells where an object was made"
_SLOTS_ARE_WEAK = "objects with slots can be weakly referenced on PyPy"
_IN_PYTHON = "what is written in C on CPython, or in Python, has other parts on PyPy, so that the path is another one"
_NO_FREEZE = "PyPy has no gc.freeze"
_NOT_COUNTED = "PyPy counts no references, so that nobody can tell whether all were found"
_DICT_BESIDE = "on PyPy an instance refers to its attributes, and to a __dict__ that was read beside them"
_TOO_SLOW = "on PyPy the test itself takes longer than the time it is given"
_NOT_TOLD_WHAT_IS_MADE = "PyPy does not tell at a bearable cost what a set-up makes"
_NO_CALLBACKS = "PyPy's collector has no callbacks, thresholds or generations to be seen"

ON_PYPY = {
    "test_addresses.py::TestSuite::test_a_slotted_dataclass_leaks_like_any_object": _NO_TRACEMALLOC,
    "test_addresses.py::TestSuite::test_without_a_second_run_it_is_missed": _SLOTS_ARE_WEAK,
    "test_addresses.py::TestWatched::test_as_many_of_the_old_are_looked_at_as_were_promoted": _NO_CALLBACKS,
    "test_addresses.py::TestWatched::test_behind_them": _NO_CALLBACKS,
    "test_addresses.py::TestWatched::test_one_that_died_by_itself": _NOTHING_DIES,
    "test_addresses.py::TestWatched::test_one_that_has_died": _NO_CALLBACKS,
    "test_addresses.py::TestWatched::test_what_a_finalizer_brings_back": "PyPy has no gc.is_finalized",
    "test_addresses.py::test_the_youngest_of_the_old_are_looked_at_alone": _NO_CALLBACKS,
    "test_advice.py::test_advice_is_given_and_cures[future-callback": _IN_PYTHON,
    "test_advice.py::test_advice_is_given_and_cures[mock-": _IN_PYTHON,
    "test_advice.py::test_advice_is_given_and_cures[unaccounted-mend-the-extension-call]": _NO_PYTHONAPI,
    "test_afterlife.py": "PyPy has no gc.is_finalized",
    "test_annotations.py::TestRuns::test_what_waits_for_the_collector_is_said_to": _NOTHING_DIES,
    "test_bad_input.py::TestRegistrations::test_what_cannot_be_weakly_referenced": _SLOTS_ARE_WEAK,
    "test_baseline.py::TestStability::test_any_order_and_any_number_of_processes_lists_the_same": _NO_PYTHONAPI,
    "test_below.py::TestBelow::test_what_hangs_below_two_is_told_of_the_nearer": _NOT_COUNTED,
    "test_below.py::TestBelow::test_what_something_else": _NOT_COUNTED,
    "test_bound.py::test_but_not_what_the_program_has_as_well": _NOT_COUNTED,
    "test_bound.py::test_what_the_program_keeps_as_well_is_told_as_the_set_up_ends": _NOT_COUNTED,
    "test_bound.py::test_what_was_there_before_the_set_up_is_not_its_own[what a class": _NO_CALLBACKS,
    "test_bound.py::test_what_was_there_before_the_set_up_is_not_its_own[what the program has": _NO_CALLBACKS,
    "test_census.py::TestCallbacks": _NO_CALLBACKS,
    "test_census.py::TestExact::test_a_collector_that_the_test_turns_off": _NO_CALLBACKS,
    "test_census.py::TestExact::test_all_new_objects_are_counted_once": _NO_CALLBACKS,
    "test_census.py::TestExact::test_what_cannot_be_weakly_referenced_is_noted_by_its_address": _SLOTS_ARE_WEAK,
    "test_census.py::TestExact::test_what_the_test_freezes": _NO_FREEZE,
    "test_census.py::TestGenerations::test_interpreters_without_young_generations": _NO_CALLBACKS,
    "test_confirm.py::TestByRecurrence::test_what_has_no_visible_holder": _NO_PYTHONAPI,
    "test_confirm.py::TestByRepeat::test_what_accumulates_is_a_leak": _NO_TRACEMALLOC,
    "test_confirm.py::TestIgnored::test_what_has_no_visible_holder": _NO_PYTHONAPI,
    "test_explain.py::test_of_two_roots_that_are_as_near": _IN_PYTHON,
    "test_faults.py::TestErrorsOfTheInterpreter::test_a_cycle_that_can_not_be_looked_at": _NOTHING_DIES,
    "test_faults.py::TestErrorsOfTheInterpreter::test_one_that_was_looked_at": _NOTHING_DIES,
    "test_faults.py::TestErrorsOfTheInterpreter::test_where_the_line_that_made_an_object": _NO_TRACEMALLOC,
    "test_faults.py::TestFinalizers::test_reports_can_be_had_while_the_interpreter_ends": (
        "PyPy runs no finalizers as it ends"
    ),
    "test_faults.py::TestSignals::test_a_handler_that_raises_amid_a_verdict": _NOTHING_DIES,
    "test_faults.py::test_import_hooks_that_fail": _NOTHING_DIES,
    "test_faults.py::test_where_memory_is_short": "PyPy itself dies where its memory is limited (8.0.1)",
    "test_heap.py::test_a_long_chain_is_climbed_in_few_passes": "PyPy's passes over the heap take too long for it",
    "test_heap.py::test_what_hangs_near_a_module_takes_no_question": "PyPy does not tell whether all holders are known",
    "test_hostile.py::test_nothing_that_loops": "not all of its objects can be made on PyPy",
    "test_idioms.py::test_all_pass_where_nothing_leaks": _NOTHING_DIES,
    "test_integrations.py::test_asyncio_words": _IN_PYTHON,
    "test_integrations.py::test_executors_are_told_by_thread_and_queue": _IN_PYTHON,
    "test_integrations.py::test_logging_names_records_and_handlers": _IN_PYTHON,
    "test_judging.py": _NO_TRACEMALLOC,
    "test_laws.py::test_a_report_says_that_frozen": _NO_FREEZE,
    "test_laws.py::test_holders_hidden_by_freeze": _NO_FREEZE,
    "test_ledger.py::TestKnown::test_the_latest_are_kept_in_mind": _NOTHING_DIES,
    "test_ledger.py::TestKnown::test_what_moved_below": _NOT_COUNTED,
    "test_lent.py::test_it_costs_a_second_run_once": _NOT_TOLD_WHAT_IS_MADE,
    "test_lent.py::test_nor_that_of_a_set_up": _NOT_TOLD_WHAT_IS_MADE,
    "test_lent.py::test_what_a_fake_got": _NOT_TOLD_WHAT_IS_MADE,
    "test_lent.py::test_what_is_left_there_once_it_has_ended": _NOT_TOLD_WHAT_IS_MADE,
    "test_letting_go.py": _NO_CALLBACKS,
    "test_nearby.py::test_a_dict_that_came_into_being_as_it_was_read": _DICT_BESIDE,
    "test_nearby.py::test_the_last_instances_met_are_met_with_their_dicts": _DICT_BESIDE,
    "test_pace.py": _NO_CALLBACKS,
    "test_patterns.py::TestCallback::test_it_is_called_once": _NOTHING_DIES,
    "test_patterns.py::TestFactoryCache::test_a_weak_cache_forgets": _NOTHING_DIES,
    "test_patterns.py::TestMetadata::test_a_note_goes_with_its_object": _NOTHING_DIES,
    "test_patterns.py::TestMetadata::test_equal_objects_share_a_note": _NOTHING_DIES,
    "test_patterns.py::TestProxy::test_a_weak_proxy_lets_its_object_die": _NOTHING_DIES,
    "test_patterns.py::TestSmartCache::test_an_entry_goes_with_its_object": _NOTHING_DIES,
    "test_patterns.py::TestSmartCache::test_cached_objects_do_not_keep_the_cache": _NOTHING_DIES,
    "test_patterns.py::TestSmartCache::test_it_works_without_a_callback": _NOTHING_DIES,
    "test_patterns.py::TestSmartCache::test_the_death_of_a_replaced_object": _NOTHING_DIES,
    "test_patterns.py::TestSubject::test_a_method_of_what_cannot_be_weakly_referenced": _SLOTS_ARE_WEAK,
    "test_patterns.py::TestSubject::test_a_weak_subject_lets_the_object": _NOTHING_DIES,
    "test_patterns.py::TestSubject::test_an_observer_that_dies_before_its_turn": _NOTHING_DIES,
    "test_patterns.py::TestSubject::test_what_would_be_gone_at_once_is_refused[builtin method]": _IN_PYTHON,
    "test_patterns.py::TestSubject::test_what_would_be_gone_at_once_is_refused[method wrapper]": _IN_PYTHON,
    "test_patterns.py::TestTree::test_a_strong_tree_waits_for_the_collector": _NOTHING_DIES,
    "test_patterns.py::TestTree::test_a_weak_tree_dies_with_its_root_at_once": _NOTHING_DIES,
    "test_patterns.py::TestTree::test_the_parent_is_none_once_the_root_is_dead": _NOTHING_DIES,
    "test_patterns.py::TestWeakable::test_a_carrier_dies_alone": _NOTHING_DIES,
    "test_patterns.py::TestWeakable::test_the_remedy_fits_the_class": _SLOTS_ARE_WEAK,
    "test_quiet.py::TestCollector::test_its_state_is_the_same_after_the_run": _NO_CALLBACKS,
    "test_repeat.py::TestFailing::test_what_it_left_is_no_leak": _IN_PYTHON,
    "test_repeat.py::TestInvisible::test_the_junit_file": _NOTHING_DIES,
    "test_repeat.py::TestKinds::test_tracing_that_the_user_started": _NO_TRACEMALLOC,
    "test_repeat.py::TestKinds::test_a_run_that_takes_long_is_traced": _NO_TRACEMALLOC,
    "test_retained.py": _NOT_COUNTED,
    "test_scopes.py::TestFunctionScope::test_a_value_of_a_fixture_that_is_kept": _NO_CALLBACKS,
    "test_scopes.py::TestFunctionScope::test_so_is_one_that_a_collection_found": _NO_CALLBACKS,
    "test_targets.py::test_no_metaclass_is_asked": _SLOTS_ARE_WEAK,
    "test_timeouts.py::TestOwnWork::test_a_look_at_what_outlives": _TOO_SLOW,
    "test_timeouts.py::TestOwnWork::test_after_a_leak_nothing_is_limited": _TOO_SLOW,
    "test_timeouts.py::TestOwnWork::test_what_comes_after_the_verdict": _TOO_SLOW,
    "test_transparency.py::test_tests_that_look_at_the_collector": _NO_CALLBACKS,
    "test_untracked.py::test_an_untracked_holder_is_named": _NOT_COUNTED,
    "test_untracked.py::test_its_references_are_counted": _NOT_COUNTED,
    "test_untracked.py::test_one_that_only_c_code_leads_to": _NO_PYTHONAPI,
    "test_untracked.py::test_two_of_them_in_one": _NOT_COUNTED,
    "test_watch.py::TestAdding::test_the_line_that_made_an_object_is_told_of_those_alive": _NOTHING_DIES,
    "test_watch.py::TestAdding::test_the_longest_time": _NOTHING_DIES,
    "test_watch.py::TestAdding::test_the_living_of_each_type": _NOTHING_DIES,
    "test_watch.py::TestAdding::test_watching_keeps_nothing_alive": _NOTHING_DIES,
    "test_watch.py::TestAdrift": _NO_CALLBACKS,
    "test_watch.py::TestCollecting::test_a_collection_of_another_thread": _NO_CALLBACKS,
    "test_watch.py::TestCollecting::test_a_full_collection_that_frees": _NO_CALLBACKS,
    "test_watch.py::TestCollecting::test_an_object_that_its_finaliser_saves": "PyPy has no gc.is_finalized",
    "test_watch.py::TestCollecting::test_nothing_alive_nothing_collected": _NO_CALLBACKS,
    "test_watch.py::TestCollecting::test_older_generations_only_while_something_lives": _NO_CALLBACKS,
    "test_watch.py::TestCollecting::test_one_that_dies_amid": "PyPy has no gc.is_finalized",
    "test_watch.py::TestCollecting::test_one_that_goes_in_peace": "PyPy has no gc.is_finalized",
    "test_watch.py::TestCollecting::test_there_are_as_many_full_collections": _NO_CALLBACKS,
    "test_watch.py::TestDoomed::test_garbage_is_forgotten": _NO_CALLBACKS,
    "test_watch.py::TestDoomed::test_nothing_is_told_where": _NO_CALLBACKS,
    "test_watch.py::TestDoomed::test_old_garbage_is_forgotten": _NO_CALLBACKS,
    "test_watch.py::TestDoomed::test_so_is": _NO_CALLBACKS,
    "test_watch.py::TestDoomed::test_what_is_held_from_elsewhere": _NO_CALLBACKS,
    "test_watch.py::TestPeril::test_one_that_a_class": "PyPy calls no __del__ that a class is given later",
    "test_why_alive.py::test_a_module_is_named_by_its_own_name": _NOT_COUNTED,
    "test_wider_scopes.py::TestCost": _NO_CALLBACKS,
    "test_wider_scopes.py::TestFreed::test_watching_keeps_nothing_alive": _NOTHING_DIES,
    "test_wider_scopes.py::TestTwoSetUps::test_a_survivor_of_each": _NOT_COUNTED,
}
"""By the beginnings of their names."""
_IMMORTAL = "functions, classes and modules become immortal and untracked when the first thread starts"
_ALL_ARE_FULL = "a free-threaded build has no generations: every collection is full"
_NOT_GRADED = "a free-threaded build does not tell what dies at once: it defers the counting of references"
_NO_AGE = "the collector of a free-threaded build does not list objects in the order of their age"
ON_FREE_THREADED = {
    "test_addresses.py::TestWatched::test_behind_them": _ALL_ARE_FULL,
    "test_addresses.py::TestWatched::test_one_that_died_by_itself": _ALL_ARE_FULL,
    "test_addresses.py::TestWatched::test_one_that_has_died": _ALL_ARE_FULL,
    "test_addresses.py::TestWatched::test_those_whose_type_lives": _IMMORTAL,
    "test_addresses.py::test_the_youngest_of_the_old_are_looked_at_alone": _ALL_ARE_FULL,
    "test_advice.py::test_advice_is_given_and_cures[finalizer-": _IMMORTAL,
    "test_annotations.py::TestRuns::test_what_waits_for_the_collector_is_said_to": _NOT_GRADED,
    "test_bound.py::test_what_was_there_before_the_set_up_is_not_its_own[what a class": _ALL_ARE_FULL,
    "test_bound.py::test_what_was_there_before_the_set_up_is_not_its_own[what the program has": _ALL_ARE_FULL,
    "test_docs.py::test_demo_tells_that_all_is_as_intended": _NOT_GRADED,
    "test_docs.py::test_shown_block_is_what_the_files_give[guides-49]": _NOT_GRADED,
    "test_docs.py::test_shown_block_is_what_the_files_give[patterns-128]": _IMMORTAL,
    "test_faults.py::TestErrorsOfTheInterpreter::test_a_cycle_that_can_not_be_looked_at": _NOT_GRADED,
    "test_faults.py::TestErrorsOfTheInterpreter::test_one_that_was_looked_at": _NOT_GRADED,
    "test_faults.py::TestFinalizers::test_reports_can_be_had_while_the_interpreter_ends": _IMMORTAL,
    "test_faults.py::test_import_hooks_that_fail": _NOT_GRADED,
    "test_heap.py::test_a_long_chain_is_climbed_in_few_passes": _NO_AGE,
    "test_hostile.py::test_nothing_hostile_gets_through_pytest": _ALL_ARE_FULL,
    "test_idioms.py::test_all_pass_where_nothing_leaks": _NOT_GRADED,
    "test_json.py::TestContent::test_whatever_a_run_shows_is_told": _NOT_GRADED,
    "test_judgement.py": _NOT_GRADED,
    "test_judging.py::test_each_test_has_its_own_outcome": _NOT_GRADED,
    "test_links.py::test_each_holder_is_named_from_its_root_to_the_object": _IMMORTAL,
    "test_links.py::test_what_the_table_undoes_dies": _IMMORTAL,
    "test_places.py::TestPlaceOf::test_a_place_keeps_nothing_alive": _IMMORTAL,
    "test_scopes.py::TestFunctionScope::test_a_value_of_a_fixture_that_is_kept": _ALL_ARE_FULL,
    "test_scopes.py::TestFunctionScope::test_so_is_one_that_a_collection_found": _ALL_ARE_FULL,
    "test_seeded.py::test_the_causes_are_the_same_in_any_order": _IMMORTAL,
    "test_targets.py::TestNamed::test_each_class_is_judged_once": _IMMORTAL,
    "test_transparency.py::test_tests_that_look_at_the_collector_have_the_same_outcomes": _ALL_ARE_FULL,
    "test_watch.py::TestAdding::test_an_address_whose_type_has_died_is_not_watched": _IMMORTAL,
    "test_watch.py::TestAdrift": _ALL_ARE_FULL,
    "test_watch.py::TestCollecting::test_a_full_collection_that_frees": _ALL_ARE_FULL,
    "test_watch.py::TestCollecting::test_older_generations_only_while_something_lives": _ALL_ARE_FULL,
    "test_watch.py::TestCollecting::test_one_that_goes_in_peace": _ALL_ARE_FULL,
    "test_watch.py::TestCollecting::test_there_are_as_many_full_collections": _ALL_ARE_FULL,
    "test_watch.py::TestDoomed": _ALL_ARE_FULL,
}
"""The same for CPython 3.13 without the global interpreter lock."""


def _here() -> dict[str, str]:
    if sys.implementation.name == "pypy":
        return ON_PYPY
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return ON_FREE_THREADED
    return {}


def why(name: str) -> str:
    """Return why this interpreter can't run the test with this name; empty where it can."""
    return next((reason for start, reason in _here().items() if name.partition("tests/")[2].startswith(start)), "")
