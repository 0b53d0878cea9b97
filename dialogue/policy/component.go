package policy

import (
	"context"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/project"
)

// Component is a policy as it is named in config.yml. It is built untrained, then either trained or loaded, then
// connected to the History of its ensemble; only then may it predict. Until then it is not safe for concurrent use.
type Component interface {
	Policy
	// Priority decides between predictions of equal confidence.
	Priority() int
	// UsesRules reports whether the policy learns from rules, too (Rasa's supported_data).
	UsesRules() bool
	// Train learns from data.
	Train(ctx context.Context, data *training.Data) error
	// Persist stores what was learned, Load reads it again for the domain d.
	Persist(r component.Resource) error
	Load(d *project.Domain, r component.Resource) error
	// Window is the number of past states that the policy looks up in the History, 0 for none or all of them.
	Window() int
	// Connect hands the policy the History to read conversations through.
	Connect(h *state.History)
}

// RasaLoader is a policy whose files in an archive trained by Rasa look different from its own.
type RasaLoader interface {
	// LoadRasa is Load for the files that Rasa's policy of the same name persisted.
	LoadRasa(d *project.Domain, r component.Resource) error
}

// Finetuner is a policy that can go on from what an earlier model learnt (`parley train --finetune`). Others are
// trained anew.
type Finetuner interface {
	// Finetune is Train that starts from what Persist wrote and runs epochFraction of the configured epochs.
	Finetune(ctx context.Context, data *training.Data, from component.Resource, epochFraction float64) error
}

// RuleOnlyProvider is a policy that knows which slots and loops occur in rules only (RulePolicy).
type RuleOnlyProvider interface {
	RuleOnly() state.RuleOnly
}

// DomainChecker is a policy that may not fit a domain.
type DomainChecker interface {
	// CheckDomain returns an error when the policy cannot work with d.
	CheckDomain(d *project.Domain) error
}

// Policies are the policies this program contains, by the names users write under `policies`.
var Policies = component.NewRegistry[Component]("policy")

func init() {
	for _, old := range []string{
		"EmbeddingPolicy", "FallbackPolicy", "FormPolicy", "KerasPolicy", "MappingPolicy", "SklearnPolicy", "TwoStageFallbackPolicy",
	} {
		Policies.Unsupported(old, "Rasa 3 has removed it, too; use RulePolicy")
	}
}
