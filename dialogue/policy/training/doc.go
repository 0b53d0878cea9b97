// Package training turns stories and rules into the conversations that policies learn from: it cuts stories at
// checkpoints and `or`, joins the parts in every possible way, leaves duplicates out and, for policies that want it,
// glues whole stories together (rasa/shared/core/generator.py, rasa/shared/core/training_data/structures.py and
// story_reader/story_step_builder.py, 3.6.21). It also finds stories that contradict each other.
package training
