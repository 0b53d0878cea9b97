package project

import "github.com/parleybot/parley/internal/value"

// Domain is what the bot knows: intents, entities, slots, responses, actions and forms
// (rasa/shared/core/domain.py, 3.6.21). A loaded Domain is complete (default intents, default slots and default
// actions are in it) and is never changed, so it may be read by any number of goroutines.
type Domain struct {
	// Intents are sorted by name as Rasa's Domain.intents, default intents included.
	Intents []Intent
	// Entities are sorted by name as Rasa's Domain.entities.
	Entities []Entity
	// Slots are in Rasa's order: the project's, then requested_slot (only with forms), the knowledge base's and
	// session_started_metadata.
	Slots []Slot
	// Responses are in the order of the files.
	Responses []Response
	// UserActions are the actions listed by the project, in order, without forms.
	UserActions []string
	// UserActionPos holds where each of UserActions is written.
	UserActionPos []Pos
	// ActionsNeedingDomain are the actions with `send_domain: true`.
	ActionsNeedingDomain []string
	Forms                []Form
	// E2EActions are bot texts that may be predicted as actions (`e2e_actions`).
	E2EActions []string
	Session    SessionConfig
	// StoreEntitiesAsSlots is `config: store_entities_as_slots`, true unless written. It only matters for stories
	// whose entities fill slots.
	StoreEntitiesAsSlots bool

	// actionNames and the indexes are filled by finish.
	actionNames   []string
	userActionSet map[string]bool
	actionIndex   map[string]int
	slotIndex     map[string]int
	intentIndex   map[string]int
	entityIndex   map[string]int
	responseIndex map[string]int
	formIndex     map[string]int
	raw           *value.Map
}

// SessionConfig tells when a conversation session ends.
type SessionConfig struct {
	// ExpirationTime is minutes without an event after which a new session starts; 0 means sessions never expire.
	// Rasa's default is 60.
	ExpirationTime float64
	// CarryOverSlots keeps the slots of the old session.
	CarryOverSlots bool
}

// Intent is one entry of the domain's `intents`.
type Intent struct {
	Name string
	// UsedEntities are the featurized entities ("city", "city#departure") that count in dialogue states after this
	// intent, sorted; use_entities and ignore_entities are already applied.
	UsedEntities []string
	// IsRetrieval is true when the training data has responses for intent/key.
	IsRetrieval bool
	// Triggers is the action the intent triggers in the format of Rasa 1, which Domain.Check refuses.
	Triggers string
	Default  bool
	Pos      Pos
}

// Entity is one entry of the domain's `entities`.
type Entity struct {
	Name   string
	Roles  []string
	Groups []string
	// InfluenceConversation is false for entities that are never featurized.
	InfluenceConversation bool
	Pos                   Pos
}

// SlotType is the `type` of a slot, as written.
type SlotType string

// The slot types of rasa/shared/core/slots.py. A custom Python class is refused with an error that names it.
const (
	SlotText        SlotType = "text"
	SlotBool        SlotType = "bool"
	SlotCategorical SlotType = "categorical"
	SlotFloat       SlotType = "float"
	SlotList        SlotType = "list"
	SlotAny         SlotType = "any"
)

// Slot is one entry of the domain's `slots`.
type Slot struct {
	Name         string
	Type         SlotType
	InitialValue any
	// InfluenceConversation is false for slots that are never featurized; type any always is.
	InfluenceConversation bool
	// Values are those of a categorical slot, lower-cased, `__other__` appended as Rasa does.
	Values []string
	// MinValue and MaxValue bound the feature of a float slot. Defaults 0 and 1.
	MinValue, MaxValue float64
	Mappings           []SlotMapping
	// Default is true for requested_slot, session_started_metadata and the knowledge base's slots.
	Default bool
	Pos     Pos
}

// MappingType is the `type` of a slot mapping.
type MappingType string

// The mapping types of rasa/shared/core/slot_mappings.py.
const (
	FromEntity        MappingType = "from_entity"
	FromIntent        MappingType = "from_intent"
	FromTriggerIntent MappingType = "from_trigger_intent"
	FromText          MappingType = "from_text"
	Custom            MappingType = "custom"
)

// SlotMapping tells how a slot is filled from a user message.
type SlotMapping struct {
	Type MappingType
	// Intents and NotIntents restrict the mapping; empty means any.
	Intents    []string
	NotIntents []string
	Entity     string
	// Role and Group are "" when absent.
	Role  string
	Group string
	// Value is set by from_intent and from_trigger_intent.
	Value any
	// Action is the custom extraction action of a custom mapping, "" when absent.
	Action     string
	Conditions []MappingCondition
	Pos        Pos
	// Raw is the mapping as written, for as_dict.
	Raw *value.Map
}

// MappingCondition restricts a mapping to an active loop (and the slot it asks for). HasActiveLoop with an empty
// ActiveLoop is `active_loop: null`: no loop may be active.
type MappingCondition struct {
	HasActiveLoop    bool
	ActiveLoop       string
	HasRequestedSlot bool
	RequestedSlot    string
}

// Form is one entry of the domain's `forms`.
type Form struct {
	Name           string
	RequiredSlots  []string
	IgnoredIntents []string
	Pos            Pos
	// SlotPos holds where each of RequiredSlots is written.
	SlotPos []Pos
}

// Response is a named list of variations, of which NLG picks one.
type Response struct {
	Name       string
	Variations []Variation
	Pos        Pos
}

// Variation is one way to say a response.
type Variation struct {
	// Fields holds everything as written except channel, condition and id: text, buttons, image, custom, attachment,
	// quick_replies, elements, metadata, ...
	Fields *value.Map
	// Channel is "" when the variation is for all channels.
	Channel    string
	Conditions []ResponseCondition
	// ID is "" when the variation has none.
	ID  string
	Pos Pos
	// Raw is the variation as written, for as_dict.
	Raw *value.Map
}

// ResponseCondition is one entry of a variation's `condition`: the slot Name must equal Value.
type ResponseCondition struct {
	Type  string
	Name  string
	Value any
}

// ActionNames returns every action in Rasa's order (Domain.action_names_or_texts): it is the order of prediction
// scores. The result must not be changed.
func (d *Domain) ActionNames() []string { return d.actionNames }

// ActionIndex returns the position of name in ActionNames.
func (d *Domain) ActionIndex(name string) (int, bool) {
	i, ok := d.actionIndex[name]
	return i, ok
}

// IsUserAction reports whether the project itself lists name (as an action, not as a form).
func (d *Domain) IsUserAction(name string) bool { return d.userActionSet[name] }

// Slot returns the slot called name.
func (d *Domain) Slot(name string) (*Slot, bool) {
	if i, ok := d.slotIndex[name]; ok {
		return &d.Slots[i], true
	}
	return nil, false
}

// SlotIndex returns the position of slot name in Slots.
func (d *Domain) SlotIndex(name string) (int, bool) {
	i, ok := d.slotIndex[name]
	return i, ok
}

// Intent returns the intent called name.
func (d *Domain) Intent(name string) (*Intent, bool) {
	if i, ok := d.intentIndex[name]; ok {
		return &d.Intents[i], true
	}
	return nil, false
}

// Entity returns the entity called name.
func (d *Domain) Entity(name string) (*Entity, bool) {
	if i, ok := d.entityIndex[name]; ok {
		return &d.Entities[i], true
	}
	return nil, false
}

// Response returns the response called name.
func (d *Domain) Response(name string) (*Response, bool) {
	if i, ok := d.responseIndex[name]; ok {
		return &d.Responses[i], true
	}
	return nil, false
}

// Form returns the form called name.
func (d *Domain) Form(name string) (*Form, bool) {
	if i, ok := d.formIndex[name]; ok {
		return &d.Forms[i], true
	}
	return nil, false
}

// AsMap returns the domain as Rasa's Domain.as_dict gives it to GET /domain and to action servers. The result is
// shared and must not be changed.
func (d *Domain) AsMap() *value.Map { return d.raw }
