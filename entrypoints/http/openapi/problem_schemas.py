"""The schemas of problems (RFC 9457), for the description alone."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from entrypoints.http.schema_types import REQUEST_ID, SESSION_ID


class ProblemResponse(BaseModel):
    """What went wrong: problem details (RFC 9457). Tell problems apart by `type`."""

    type: Annotated[
        str,
        Field(
            description="Which problem it is, a URN that never changes its meaning.",
            examples=["urn:problem-type:chat-sessions:session-not-found"],
            json_schema_extra={"format": "uri"},
        ),
    ]
    title: Annotated[str, Field(description="The status in words.", examples=["Not Found"])]
    status: Annotated[int, Field(ge=400, le=599, description="The status.", examples=[404])]
    detail: Annotated[
        str,
        Field(
            description="What is wrong, for a person. It never repeats what was sent.",
            examples=["There is no such session."],
        ),
    ]
    instance: Annotated[
        str,
        Field(
            description="This occurrence of it, a URN.",
            examples=[f"urn:problem-instance:chat-sessions:{REQUEST_ID}"],
            json_schema_extra={"format": "uri"},
        ),
    ]
    request_id: Annotated[
        str,
        Field(
            description="The id of the request, as in `X-Request-ID` and in the service's log.",
            examples=[REQUEST_ID],
            json_schema_extra={"maxLength": 128, "minLength": 1, "pattern": "^[A-Za-z0-9._-]+$"},
        ),
    ]


class Violation(BaseModel):
    """A rule that is broken: in the body, at `pointer`, or by a `parameter`."""

    detail: Annotated[str, Field(description="The rule.", examples=["is required"])]
    pointer: Annotated[
        str,
        Field(
            description="Where in the body, as a JSON pointer in a URI fragment (RFC 6901 section "
            "6).",
            examples=["#/messages/0/role"],
            json_schema_extra={"pattern": "^#"},
        ),
    ] = ""
    parameter: Annotated[
        str,
        Field(
            description="The parameter's name; `*` for one that is not known.", examples=["limit"]
        ),
    ] = ""
    in_: Annotated[
        Literal["query", "path", "header"],
        Field(alias="in", description="Where the parameter is.", examples=["query"]),
    ] = "query"


class ConflictResponse(ProblemResponse):
    """An external id is taken. One of `session_id` and `message_order` says by what."""

    session_id: Annotated[
        str,
        Field(description="The session that has it.", examples=[SESSION_ID]),
    ] = ""
    message_order: Annotated[
        int, Field(ge=1, description="The message that has it.", examples=[3])
    ] = 1
    errors: Annotated[list[Violation], Field(min_length=1, description="Where the taken one is.")]


class InvalidInputResponse(ProblemResponse):
    """What was sent breaks rules, and which."""

    errors: Annotated[
        list[Violation],
        Field(min_length=1, description="Each rule that is broken, and where."),
    ]
