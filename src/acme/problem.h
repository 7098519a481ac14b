// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Problem documents (RFC 7807, RFC 8555 section 6.7) as errors. Pure functions.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "net/http.h"

G_BEGIN_DECLS

/* The error that RESPONSE, of any status that is no success, means; WHAT was asked. Its Retry-After
 * is capped (7 days). Whatever the body is, this is an error of HERD_ERROR. */
GError *herd_problem_from_response (HerdHttpResponse *response, const char *what, gint64 now);

/* The error in a problem OBJECT within another object; IDENTIFIER (may be NULL) is what it is
 * about, if it does not say so itself. */
GError *herd_problem_from_object (JsonObject *object, const char *what, const char *identifier);

/* The same for the error of a challenge, where "unauthorized" does not speak of the account: CAs
 * use it for a wrong answer of the validated server (incorrectResponse). */
GError *herd_problem_from_challenge (JsonObject *object, const char *what, const char *identifier);

G_END_DECLS
