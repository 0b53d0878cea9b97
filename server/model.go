package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

const typeYAML = "application/x-yaml"

// ModelLoader loads models for PUT /model.
type ModelLoader interface {
	// Load returns the model a request asks for, ready to be used. Any error means that there is none.
	Load(ctx context.Context, from ModelSource) (*dialogue.Model, error)
}

// ModelSource says where a model is, as the body of PUT /model does.
type ModelSource struct {
	// File is the path of an archive, or of a folder whose newest archive is meant; "" for none.
	File string
	// Server is a model server's endpoint (url, token, ...), nil for none.
	Server *value.Map
	// RemoteStorage names a storage ("aws", ...) that File is fetched from, "" for none.
	RemoteStorage string
}

func (s *Server) status(c echo.Context) error {
	m := s.cfg.Processor.Model()
	return channels.WriteJSON(c, http.StatusOK, value.NewMap("model_file", m.File, "model_id", m.ID,
		"num_active_training_jobs", s.training.Load()))
}

// loadModel is PUT /model. The old model stays until the new one is ready.
func (s *Server) loadModel(c echo.Context) error {
	data, err := channels.Body(c)
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return badRequest("No path to model file defined in request_body.")
	}
	body, err := channels.JSONObject(c)
	if err != nil {
		return err
	}
	source := ModelSource{File: textOr(body.Value("model_file")), RemoteStorage: textOr(body.Value("remote_storage"))}
	if v := body.Value("model_server"); value.Truthy(v) {
		var ok bool
		if source.Server, ok = v.(*value.Map); !ok {
			return badParameter("model_server", "body", "Supplied 'model_server' is not valid. Error: "+
				"rasa.utils.endpoints.EndpointConfig() argument after ** must be a mapping, not "+value.TypeName(v))
		}
	}
	if s.cfg.Models == nil {
		return unexpected("LoadingError", errors.New("this server cannot load models"))
	}
	m, err := s.cfg.Models.Load(c.Request().Context(), source)
	if err != nil || m == nil {
		s.log.Error("model not loaded", "model", source.File, "err", err)
		return badParameter("model", "query", fmt.Sprintf("Agent with name '%s' could not be loaded.", value.Str(body.Value("model_file"))))
	}
	s.cfg.Processor.SetModel(m)
	return noContent(c)
}

func textOr(v any) string {
	if !value.Truthy(v) {
		return ""
	}
	return value.Str(v)
}

func (s *Server) unloadModel(c echo.Context) error {
	s.cfg.Processor.SetModel(nil)
	return noContent(c)
}

func noContent(c echo.Context) error {
	c.Response().WriteHeader(http.StatusNoContent)
	return nil
}

// domain is GET /domain, as JSON or YAML by the end of the header Accept.
func (s *Server) domain(c echo.Context) error {
	accepted := channels.TypeJSON
	if given := c.Request().Header.Values("Accept"); len(given) > 0 {
		accepted = given[0]
	}
	m := s.cfg.Processor.Model()
	switch {
	case strings.HasSuffix(accepted, "json"):
		return channels.WriteJSON(c, http.StatusOK, m.Domain.AsMap())
	case strings.HasSuffix(accepted, "yml"), strings.HasSuffix(accepted, "yaml"):
		return channels.WriteText(c, http.StatusOK, typeYAML, string(domainYAML(m.Domain)))
	}
	return &APIError{Status: http.StatusNotAcceptable, Reason: "NotAcceptable",
		Message: `Invalid Accept header. Domain can be provided as json ("Accept: application/json") or` +
			`yml ("Accept: application/x-yaml"). Make sure you've set the appropriate Accept header.`}
}

// domainYAML writes a domain as Rasa does: texts of responses with several lines as blocks.
func domainYAML(d *project.Domain) []byte {
	m := d.AsMap().Clone()
	responses := &value.Map{}
	for name, v := range m.Map("responses").All() {
		variations, ok := v.([]any)
		if !ok {
			responses.Set(name, v)
			continue
		}
		written := make([]any, len(variations))
		for i, v := range variations {
			written[i] = v
			if variation, ok := v.(*value.Map); ok && strings.Contains(variation.String("text"), "\n") {
				written[i] = variation.Clone().Set("text", project.LiteralText(variation.String("text")))
			}
		}
		responses.Set(name, written)
	}
	if m.Has("responses") {
		m.Set("responses", responses)
	}
	return project.WriteYAML(m)
}
