// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From a window to a time.
 */
#include "core/renewal-info.h"

#include "core/renewal.h"
#include "model/spec.h"

/* A CA alone has a certificate renewed once in this part of its lifetime, or it could have it renewed
 * without end. */
#define ONCE_IN(lifetime) ((lifetime) / 4)
/* Nothing is put off to this last part of it: attempts may fail. */
#define MARGIN(lifetime) ((lifetime) / 10)

static gint64
get_lifetime (const HerdGeneration *generation)
{
  return generation->not_after - generation->not_before;
}

static gint64
get_latest (const HerdGeneration *generation)
{
  return generation->not_after - MARGIN (get_lifetime (generation));
}

static const char *
get_rule (const HerdCertificate *certificate)
{
  return herd_spec_get_string (certificate->spec, "renew", "auto");
}

/* What the CA suggests, as far as it is followed; 0: nothing. */
static gint64
get_suggested (const HerdCertificate *certificate, const HerdGeneration *newest)
{
  const HerdSuggestion *suggestion = certificate->suggestion;

  if (suggestion == NULL || suggestion->generation != newest->number || suggestion->pick == 0)
    return 0;
  return MAX (suggestion->pick, MIN (suggestion->floor, get_latest (newest)));
}

gint64
herd_renewal_info_get_time (const HerdCertificate *certificate, double random)
{
  const HerdGeneration *newest = herd_certificate_get_newest (certificate);
  const char *rule = get_rule (certificate);
  gint64 configured = herd_renewal_get_time (newest, rule, random);
  gint64 suggested = get_suggested (certificate, newest);

  if (newest->revoked != HERD_REVOCATION_NONE)
    return certificate->renew_at;
  if (suggested == 0)
    return configured;
  return g_str_equal (rule, "auto") ? suggested : MIN (suggested, configured);
}

gboolean
herd_renewal_info_is_followed (const HerdCertificate *certificate)
{
  const HerdGeneration *newest = herd_certificate_get_newest (certificate);
  gint64 suggested = newest != NULL ? get_suggested (certificate, newest) : 0;

  return suggested != 0 && certificate->renew_at == suggested;
}

gboolean
herd_renewal_info_is_early (const HerdCertificate *certificate)
{
  return herd_renewal_info_is_followed (certificate)
         && certificate->renew_at
                < herd_renewal_get_time (herd_certificate_get_newest (certificate), "auto", 0.0);
}

char *
herd_renewal_info_get_reason (const HerdCertificate *certificate)
{
  const HerdSuggestion *suggestion = certificate->suggestion;
  const HerdGeneration *newest = herd_certificate_get_newest (certificate);
  const char *url, *text;

  if (newest->revoked != HERD_REVOCATION_NONE)
    return g_strdup_printf ("generation %" G_GUINT64_FORMAT " was revoked: %s", newest->number,
                            herd_revocations[newest->revoked]);
  if (!herd_renewal_info_is_followed (certificate))
    return herd_renewal_get_reason (newest, get_rule (certificate));
  if (suggestion->floor > suggestion->pick)
    text =
        "the CA suggests to renew it once more, and has its way once in a quarter of the lifetime";
  else if (herd_renewal_info_is_early (certificate))
    text = "the CA suggests to renew it early";
  else if (!g_str_equal (get_rule (certificate), "auto"))
    text = "the CA suggests it, and that is sooner than what is configured";
  else
    text = "the CA suggests it";
  url = suggestion->explanation_url;
  return g_strdup_printf ("%s%s%s", text, *url != '\0' ? "; it explains that at " : "", url);
}

/* --- from one generation to the next --- */

void
herd_renewal_info_begin (HerdCertificate *certificate, const HerdGeneration *next,
                         const char *account, gint64 now)
{
  HerdSuggestion *suggestion = herd_suggestion_new (next->number);
  const HerdSuggestion *before = certificate->suggestion;

  herd_suggestion_set_account (suggestion, account);
  suggestion->ask_at = now;
  if (certificate->renew_at <= now && herd_renewal_info_is_early (certificate))
    suggestion->floor = now + ONCE_IN (get_lifetime (next));
  else if (before != NULL && before->floor > now)
    suggestion->floor = before->floor;
  herd_suggestion_free (certificate->suggestion);
  certificate->suggestion = suggestion;
}

gboolean
herd_renewal_info_is_of (const HerdCertificate *certificate, const char *account)
{
  const HerdSuggestion *suggestion = certificate->suggestion;

  return suggestion == NULL || *suggestion->account == '\0'
         || suggestion->generation != herd_certificate_get_newest (certificate)->number
         || g_str_equal (suggestion->account, account);
}

/* --- answers --- */

static HerdSuggestion *
ensure (HerdCertificate *certificate)
{
  guint64 newest = herd_certificate_get_newest (certificate)->number;

  if (certificate->suggestion != NULL && certificate->suggestion->generation == newest)
    return certificate->suggestion;
  herd_suggestion_free (certificate->suggestion);
  certificate->suggestion = herd_suggestion_new (newest);
  return certificate->suggestion;
}

/* What is due stays due, whatever is suggested from then on. */
static void
set_time (HerdCertificate *certificate, gint64 now, double random)
{
  gint64 when = herd_renewal_info_get_time (certificate, random);

  certificate->renew_at = certificate->renew_at > now ? when : MIN (certificate->renew_at, when);
}

static char *
format_time (gint64 seconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (seconds);

  return time != NULL ? g_date_time_format (time, "%Y-%m-%d %H:%M:%SZ") : g_strdup ("?");
}

/* Why the window of INFO cannot be followed, or NULL. */
static char *
find_fault (const HerdGeneration *newest, const HerdRenewalInfo *info)
{
  g_autofree char *start = format_time (info->start);
  g_autofree char *end = format_time (newest->not_after);

  if (info->end <= info->start)
    return g_strdup ("the CA suggests a window that ends before it begins");
  if (info->start >= newest->not_after)
    return g_strdup_printf ("the CA suggests to renew it from %s on, and it expires at %s", start,
                            end);
  return NULL;
}

/* Uniform, so that the certificates of a CA come one after the other (section 4.2). */
static gint64
pick (const HerdGeneration *newest, const HerdRenewalInfo *info, double random)
{
  gint64 latest = get_latest (newest);
  gint64 end = MIN (info->end, latest);

  if (end <= info->start)
    return latest;
  return info->start + (gint64) ((double) (end - info->start) * random);
}

gboolean
herd_renewal_info_miss (HerdCertificate *certificate, const char *problem, gboolean lasting,
                        gint64 ask_at, gint64 now, double random)
{
  HerdSuggestion *suggestion = ensure (certificate);
  gboolean had = suggestion->pick != 0;
  gboolean news = !g_str_equal (suggestion->problem, problem);

  suggestion->asked_at = now;
  suggestion->ask_at = MAX (ask_at, now + HERD_ASK_AGAIN_MIN);
  herd_suggestion_set_problem (suggestion, problem);
  if (!lasting)
    return FALSE;
  suggestion->start = suggestion->end = suggestion->pick = 0;
  herd_suggestion_set_explanation_url (suggestion, "");
  if (had)
    set_time (certificate, now, random);
  return had || news;
}

gboolean
herd_renewal_info_take (HerdCertificate *certificate, const HerdRenewalInfo *info, gint64 now,
                        double random)
{
  const HerdGeneration *newest = herd_certificate_get_newest (certificate);
  gint64 ask_at = CLAMP (info->retry_at, now + HERD_ASK_AGAIN_MIN, now + HERD_ASK_AGAIN_MAX);
  g_autofree char *fault = find_fault (newest, info);
  HerdSuggestion *suggestion = ensure (certificate);
  gboolean moved = suggestion->pick == 0 || suggestion->start != info->start
                   || suggestion->end != info->end;
  gboolean news = moved || !g_str_equal (suggestion->explanation_url, info->explanation_url);

  if (fault != NULL)
    return herd_renewal_info_miss (certificate, fault, TRUE, ask_at, now, random);
  suggestion->asked_at = now;
  suggestion->ask_at = ask_at;
  herd_suggestion_set_problem (suggestion, "");
  herd_suggestion_set_explanation_url (suggestion, info->explanation_url);
  if (!moved)
    return news;
  suggestion->start = info->start;
  suggestion->end = info->end;
  suggestion->pick = pick (newest, info, random);
  set_time (certificate, now, random);
  return TRUE;
}
