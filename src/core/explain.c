// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A dictionary of all that the next action follows from: the rule, what the CA suggests, and failures.
 */
#include "core/explain.h"

#include "core/renewal.h"
#include "model/spec.h"

static void
put_time (GVariantDict *dictionary, const char *key, gint64 when)
{
  if (when != 0)
    g_variant_dict_insert (dictionary, key, "x", when);
}

static void
put_text (GVariantDict *dictionary, const char *key, const char *text)
{
  if (*text != '\0')
    g_variant_dict_insert (dictionary, key, "s", text);
}

static void
explain_rule (const HerdCertificate *certificate, const HerdGeneration *newest,
              GVariantDict *dictionary)
{
  const char *rule = herd_spec_get_string (certificate->spec, "renew", "auto");
  g_autofree char *words = herd_renewal_get_reason (newest, rule);

  g_variant_dict_insert (dictionary, "rule", "s", rule);
  g_variant_dict_insert (dictionary, "rule-reason", "s", words);
  put_time (dictionary, "rule-time", herd_renewal_get_time (newest, rule, 0.5));
  g_variant_dict_insert (dictionary, "generation", "t", newest->number);
  put_time (dictionary, "not-after", newest->not_after);
  put_time (dictionary, "renew-at", certificate->renew_at);
}

static void
explain_suggestion (const HerdSuggestion *suggestion, GVariantDict *dictionary)
{
  put_time (dictionary, "window-start", suggestion->start);
  put_time (dictionary, "window-end", suggestion->end);
  put_time (dictionary, "pick", suggestion->pick);
  put_time (dictionary, "not-sooner-than", suggestion->floor);
  put_time (dictionary, "asked-at", suggestion->asked_at);
  put_time (dictionary, "ask-at", suggestion->ask_at);
  put_text (dictionary, "explanation-url", suggestion->explanation_url);
  put_text (dictionary, "suggestion-problem", suggestion->problem);
}

static void
explain_failures (const HerdCertificate *certificate, GVariantDict *dictionary)
{
  put_text (dictionary, "error", certificate->last_error);
  put_text (dictionary, "error-message", certificate->last_error_message);
  put_time (dictionary, "error-time", certificate->last_error_time);
  if (certificate->failures == 0)
    return;
  g_variant_dict_insert (dictionary, "failures", "u", certificate->failures);
  put_time (dictionary, "retry-at", certificate->retry_at);
}

GVariant *
herd_explain (const HerdCertificate *certificate)
{
  const HerdGeneration *newest = herd_certificate_get_newest (certificate);
  const HerdSuggestion *suggestion = certificate->suggestion;
  g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dictionary, "action", "s", herd_action_to_string (certificate->action));
  put_time (&dictionary, "time", certificate->action_time);
  put_text (&dictionary, "reason", certificate->action_reason);
  if (newest != NULL)
    explain_rule (certificate, newest, &dictionary);
  if (newest != NULL && suggestion != NULL && suggestion->generation == newest->number)
    explain_suggestion (suggestion, &dictionary);
  explain_failures (certificate, &dictionary);
  return g_variant_dict_end (&dictionary);
}
