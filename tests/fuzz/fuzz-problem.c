// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Problem documents: header fields, an empty line, the body; and the body as the error of an order or a
 * challenge.
 */
#include "acme/json.h"
#include "acme/problem.h"
#include "answer.h"
#include "ca.h"
#include "fuzz.h"
#include "plugin/error.h"

static void
check (const GError *error)
{
  fuzz_assert_outcome (FALSE, error);
  g_assert_cmpint (herd_error_get_retry_at (error), <=, FUZZ_NOW + 7 * 86400);
}

static void
feed_object (GBytes *body)
{
  g_autoptr (JsonObject) object = herd_json_parse (body, "problem", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) of_challenge = NULL;

  if (object == NULL)
    return;
  error = herd_problem_from_object (object, "order", NULL);
  check (error);
  of_challenge = herd_problem_from_challenge (object, "http-01 challenge", "example.org");
  check (of_challenge);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (HerdHttpResponse) answer = fuzz_answer_split (data, size, FUZZ_NOW);
  g_autoptr (GError) error = herd_problem_from_response (answer, "newOrder", FUZZ_NOW);

  check (error);
  feed_object (herd_http_response_get_body (answer));
  return 0;
}
