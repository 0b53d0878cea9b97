// Package pyre runs regular expressions written for Python's re module (3.10, str patterns) with their meaning there:
// \w, \d, \s and \b know Unicode, $ also matches before a final line feed, lookarounds and back references work.
//
// A pattern is parsed once and translated. Patterns without lookarounds and back references run on package regexp, in
// linear time; for \b and $, whose meaning differs there, that is done when the text allows it (ASCII only, one line).
// Everything else runs on a backtracking engine with a time limit, after which it counts as not matching. Positions
// count code points.
package pyre
