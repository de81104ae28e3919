// What a service in Go does, with a client made of the API's description. It prints what it was
// answered. The compiler checks every name and type in it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"

	api "example.org/chat/sessions"
)

// must gives what a request was answered with.
func must[Answer any](answer Answer, _ any, err error) Answer {
	if err != nil {
		panic(err)
	}
	return answer
}

// refused gives the status and the problem that a request was refused with.
func refused[Problem any](_ any, _ any, err error) Problem {
	var refusal *api.GenericOpenAPIError
	if !errors.As(err, &refusal) {
		panic(err)
	}
	return refusal.Model().(Problem)
}

func main() {
	url, token := os.Args[1], os.Args[2]
	var body map[string]any
	if err := json.Unmarshal([]byte(os.Args[3]), &body); err != nil {
		panic(err)
	}
	configuration := api.NewConfiguration()
	configuration.Servers = api.ServerConfigurations{{URL: url}}
	sessions := api.NewAPIClient(configuration).SessionsAPI
	ctx := context.WithValue(context.Background(), api.ContextAccessToken, token)

	create := *api.NewSessionCreate()
	create.SetTitle(strings.Repeat("😀", 150))
	create.SetExternalId("go/1")
	create.SetMetadata(map[string]any{"starred": true})
	session := must(sessions.CreateSession(ctx).SessionCreate(create).Execute())
	held := must(sessions.GetSession(ctx, "ext:go/1").Execute())

	said, called := *api.NewMessageCreate(api.USER), *api.NewMessageCreate(api.ASSISTANT)
	said.SetContent("hi")
	called.SetBody(body)
	called.SetFormat("openai.chat")
	batch := *api.NewMessagesAppend([]api.MessageCreate{said, called})
	appended := must(sessions.AppendMessages(ctx, session.Id).MessagesAppend(batch).Execute()).Items

	put := *api.NewMessageReplace(api.TOOL)
	put.SetContent("sunny")
	made := must(sessions.PutMessage(ctx, session.Id, "ext:m/1").MessageReplace(put).Execute())
	got := must(sessions.GetMessage(ctx, session.Id, "ext:m/1").Execute())

	page := must(sessions.ListMessages(ctx, session.Id).After(1).View("text").Execute()).Items
	found := must(sessions.ListSessions(ctx).Limit(10).Archived(api.ANY).ExternalId("go/1").
		UpdatedAfter(session.LastUpdated.Format("2006-01-02T15:04:05.000000Z07:00")).Execute()).Items

	update := *api.NewSessionUpdate()
	update.SetTitle("Lisbon")
	patched := must(sessions.UpdateSession(ctx, session.Id).SessionUpdate(update).Execute())

	long := *api.NewSessionUpdate()
	long.SetTitle(strings.Repeat("x", 201))
	wrong := refused[api.InvalidInputResponse](sessions.UpdateSession(ctx, session.Id).SessionUpdate(long).Execute())
	taken := refused[api.ConflictResponse](sessions.CreateSession(ctx).SessionCreate(create).Execute())
	missing := refused[api.ProblemResponse](sessions.GetSession(ctx, "ext:none").Execute())

	if _, err := sessions.ClearMessages(ctx, session.Id).Execute(); err != nil {
		panic(err)
	}
	left := must(sessions.GetSession(ctx, session.Id).Execute())

	told := map[string]any{
		"held":  []any{held.Id == session.Id, held.Title.Get(), held.Metadata},
		"put":   []any{made.ExternalId.Get(), got.Content, got.MessageOrder, got.Id == made.Id},
		"found": []any{}, "appended": []any{}, "page": []any{},
		"patched": []any{patched.Title.Get(), patched.Metadata, patched.Archived},
		"wrong":   []any{wrong.Status, wrong.Errors[0].GetPointer()},
		"taken":   []any{taken.Status, taken.GetSessionId() == session.Id},
		"missing": []any{missing.Status, missing.Detail},
		"left":    left.MessageCount,
	}
	add := func(name string, value any) { told[name] = append(told[name].([]any), value) }
	for _, one := range appended {
		add("appended", []any{one.MessageOrder, one.Role, one.Content, one.Body})
	}
	for _, one := range page {
		add("page", []any{one.MessageOrder, one.Body})
	}
	for _, one := range found {
		add("found", one.ExternalId.Get())
	}
	if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
		panic(err)
	}
}
