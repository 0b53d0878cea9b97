// Package state turns conversations into what policies look at: a list of dialogue states, one before each action and
// one for now (Domain.states_for_tracker_history of rasa/shared/core/domain.py, 3.6.21, and the tracker featurizers of
// rasa/core/featurizers/tracker_featurizers.py).
//
// A Featurizer makes one State of one moment. A History follows a conversation for prediction: it leaves what it
// computed as memos on the tracker's chain of applied events, so that a prediction costs time in proportion to the new
// events only. For policies that look whole sequences of states up, states are reduced to hashes; the hash of a state
// at run time is that of its text in a trained policy's files, whether parley or Rasa wrote them.
package state
