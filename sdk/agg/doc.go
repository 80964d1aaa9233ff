// Package agg describes what becomes of the rows of a group: counts, sums,
// extremes, lists, sketches, or whatever a user's own accumulator computes.
//
// The one central idea: an aggregate is a set of columns of accumulators, one
// slot a group, that can be added to, merged, copied and saved in any order and
// in any grouping of steps without a bit of the result changing. That is what
// makes a backfill on eight cores and a stream of single rows agree.
//
//	agg.Into(func(e *Event, p *Profile) []agg.Term {   ─── a description, run at construction
//	    return []agg.Term{
//	        agg.Count(&p.Events),                               states, kept once each:
//	        agg.Sum(&p.Spend, &e.Price),       ──▶ Plan ──▶       rows           [n0 n1 n2 …]
//	        agg.Mean(p.Mean, &e.Price),                           sum(price)     [s0 s1 s2 …]
//	        agg.Where(field.Equal(&e.Type, "buy"),                rows where …   [b0 b1 b2 …]
//	            agg.Count(&p.Purchases)),                                          ▲
//	    }                                                                          slot of a group
//	})
//
// A term names an output field by address and the input field it reads; terms
// that need the same state share it (Mean and Sum above). A Table keeps the
// states of many groups; the engine maps groups to slots.
//
// # What holds for every term
//
// Null inputs are skipped. The count of nothing is 0 and so is a sum that goes
// to a plain field; a sum that goes to a pointer field, and everything else but
// lists, is null where there was nothing. A description that would need that
// null and offers a plain field is refused.
//
// Sums of integers are exact: 128 bits wide inside, an error only when the
// final total does not fit. Sums of floats are exact too and are rounded once.
// NaN sorts after every number and −0 equals +0, here as in keys.
//
// Where order matters (first, last, top-k, lists) it is event time, then the
// fields named with By, then the canonical key bytes of the value; the order
// of arrival never decides.
package agg
