// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting for TXT records: find the servers, ask them all until those that answer agree, wait a little
 * more. One run for all records of a call. Main loop only.
 */
#include "core/propagation.h"

#include <string.h>

#include "plugin/error.h"
#include "util/follow.h"
#include "util/steps.h"

#define FIRST_DELAY (2 * HERD_SECOND)
#define LONGEST_DELAY (15 * HERD_SECOND)
#define REPORT_LIMIT 400 /* bytes of what the servers say, in a message */

typedef struct {
  char *name;
  GPtrArray *values;   /* char *: all are to be there */
  HerdDnsPlace *place; /* NULL: not found yet */
  gboolean shown;
  char *report; /* what the servers said last */
} Record;

typedef struct {
  HerdDns *dns;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;
  HerdPropagationRules rules;
  GPtrArray *records; /* Record */
  gint64 start;
  gint64 delay; /* before the next look */
  gboolean settled;
} Await;

static void
record_free (gpointer data)
{
  Record *record = data;

  g_free (record->name);
  g_ptr_array_unref (record->values);
  herd_dns_place_free (record->place);
  g_free (record->report);
  g_free (record);
}

static gint64
get_left (Await *await)
{
  return await->start + await->rules.timeout
         - herd_clock_get_monotonic (herd_dns_get_clock (await->dns));
}

/* Looks again, later; FALSE: the time is over. */
static gboolean
look_again (Await *await, HerdRun *run)
{
  gint64 left = get_left (await);

  if (left <= 0)
    return FALSE;
  herd_run_again (run, MIN (await->delay, left));
  await->delay = MIN (await->delay * 3 / 2, LONGEST_DELAY);
  return TRUE;
}

/* --- places --- */

static gboolean
places_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Await *await = operation;

  for (guint i = 0; i < await->records->len; i++) {
    Record *record = await->records->pdata[i];

    if (record->place == NULL)
      herd_dns_place_find_async (await->dns, record->name, herd_run_get_cancellable (run),
                                 herd_run_ready, herd_run_slot (run));
  }
  return TRUE;
}

/* A place without a server that answers is none: it may be one that is just being reloaded. */
static gboolean
take_place (Await *await, HerdRun *run, Record *record, guint index, GError **error)
{
  g_autoptr (HerdDnsPlace)
      place = herd_dns_place_find_finish (await->dns, herd_run_get_result (run, index), error);

  if (place == NULL)
    return FALSE;
  if (place->trouble != NULL) {
    g_set_error (
        error, HERD_ERROR, HERD_ERROR_UNREACHABLE,
        "%s: no server of the zone %s can be asked: %.*s; where that is so on purpose, set "
        "propagation-check = no",
        record->name, place->zone, REPORT_LIMIT, place->trouble);
    return FALSE;
  }
  record->place = g_steal_pointer (&place);
  return TRUE;
}

static gboolean
places_leave (HerdRun *run, gpointer operation, GError **error)
{
  Await *await = operation;
  g_autoptr (GError) failure = NULL;
  guint index = 0;

  for (guint i = 0; i < await->records->len; i++) {
    Record *record = await->records->pdata[i];
    g_autoptr (GError) local = NULL;

    if (record->place != NULL || take_place (await, run, record, index++, &local))
      continue;
    if (failure == NULL)
      failure = g_steal_pointer (&local);
  }
  if (failure == NULL
      || (g_error_matches (failure, HERD_ERROR, HERD_ERROR_UNREACHABLE) && look_again (await, run)))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

/* --- ask --- */

static gboolean
ask_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Await *await = operation;

  for (guint i = 0; i < await->records->len; i++) {
    Record *record = await->records->pdata[i];

    for (guint j = 0; !record->shown && j < record->place->servers->len; j++) {
      const HerdDnsServer *server = record->place->servers->pdata[j];

      herd_dns_query_async (await->dns, record->place->name, HERD_DNS_TXT, server->address,
                            herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
    }
  }
  return TRUE;
}

static gboolean
has_value (const HerdDnsAnswer *answer, const char *owner, const char *value)
{
  for (guint i = 0; i < answer->answers->len; i++) {
    const HerdDnsRecord *record = answer->answers->pdata[i];

    if (record->type == HERD_DNS_TXT && g_str_equal (record->owner, owner)
        && g_bytes_get_size (record->data) == strlen (value)
        && memcmp (g_bytes_get_data (record->data, NULL), value, strlen (value)) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
has_values (const HerdDnsAnswer *answer, const Record *record)
{
  for (guint i = 0; i < record->values->len; i++) {
    if (!has_value (answer, record->place->name, record->values->pdata[i]))
      return FALSE;
  }
  return TRUE;
}

/* What one server said, judged. TRUE: it can be asked. */
static gboolean
judge (const Record *record, const HerdDnsServer *server, const HerdDnsAnswer *answer,
       const GError *failure, gboolean *shows, GString *report)
{
  g_autofree char *rcode = answer != NULL ? herd_dns_rcode_to_string (answer->rcode) : NULL;
  gboolean usable = answer != NULL && answer->authoritative;

  *shows = usable && has_values (answer, record);
  g_string_append_printf (report, "%s%s (%s) ", report->len > 0 ? "; " : "", server->host,
                          server->address);
  if (*shows)
    g_string_append (report, "shows it");
  else if (usable)
    g_string_append_printf (report, "does not show it (%s)", rcode);
  else if (answer != NULL)
    g_string_append_printf (report, "is not authoritative (%s)", rcode);
  else
    g_string_append_printf (report, "gave no answer (%s)", failure->message);
  return usable;
}

/* Reads the answers of RECORD's servers, from INDEX on; returns the next record's. */
static guint
read_answers (Await *await, HerdRun *run, Record *record, guint index)
{
  g_autoptr (GString) report = g_string_new (NULL);
  guint usable = 0, showing = 0;

  for (guint i = 0; i < record->place->servers->len; i++) {
    g_autoptr (GError) local = NULL;
    g_autoptr (HerdDnsAnswer)
        answer = herd_dns_query_finish (await->dns, herd_run_get_result (run, index++), &local);
    gboolean shows;

    usable += judge (record, record->place->servers->pdata[i], answer, local, &shows, report);
    showing += shows;
  }
  record->shown = usable > 0 && showing == usable;
  g_free (record->report);
  record->report = g_strndup (report->str, REPORT_LIMIT);
  return index;
}

static void
set_not_shown (const Await *await, const Record *record, GError **error)
{
  g_set_error (error, HERD_ERROR, HERD_ERROR_CHALLENGE_FAILED,
               "%s: after %" G_GINT64_FORMAT " s the TXT record is not at all servers of the zone "
               "%s: %s; if they only need longer, raise propagation-timeout",
               record->name, await->rules.timeout / HERD_SECOND, record->place->zone,
               record->report);
}

static gboolean
ask_leave (HerdRun *run, gpointer operation, GError **error)
{
  Await *await = operation;
  const Record *missing = NULL;
  guint index = 0;

  for (guint i = 0; i < await->records->len; i++) {
    Record *record = await->records->pdata[i];

    if (!record->shown)
      index = read_answers (await, run, record, index);
    if (!record->shown && missing == NULL)
      missing = record;
  }
  if (missing == NULL || look_again (await, run))
    return TRUE;
  set_not_shown (await, missing, error);
  return FALSE;
}

/* --- settle: caches before a server, and servers behind an address, that cannot be asked --- */

static gboolean
settle_leave (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Await *await = operation;

  if (!await->settled && await->rules.delay > 0)
    herd_run_again (run, await->rules.delay);
  await->settled = TRUE;
  return TRUE;
}

static const HerdStep steps[] = {
  { "places", places_enter, places_leave, HERD_COMMIT_NONE },
  { "ask", ask_enter, ask_leave, HERD_COMMIT_NONE },
  { "settle", NULL, settle_leave, HERD_COMMIT_NONE },
  { "done", NULL, NULL, HERD_COMMIT_NONE },
};

static void
finished (gpointer operation, const GError *error)
{
  Await *await = operation;
  g_autoptr (GTask) task = g_steal_pointer (&await->task);
  GError *failure = error != NULL ? g_error_copy (error) : NULL;

  herd_error_translate (&failure, HERD_ERROR_UNREACHABLE, "propagation");
  if (failure != NULL)
    g_task_return_error (task, failure);
  else
    g_task_return_boolean (task, TRUE);
  herd_follow_free (await->follow);
  herd_run_unref (await->run);
  g_ptr_array_unref (await->records);
  herd_dns_unref (await->dns);
  g_free (await);
}

static const HerdRunOps operations = { .finished = finished };

static Record *
ensure_record (GPtrArray *records, const char *name)
{
  Record *record;

  for (guint i = 0; i < records->len; i++) {
    record = records->pdata[i];
    if (g_str_equal (record->name, name))
      return record;
  }
  record = g_new0 (Record, 1);
  record->name = g_strdup (name);
  record->values = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (records, record);
  return record;
}

void
herd_propagation_await_async (HerdDns *dns, const char *const *records,
                              const HerdPropagationRules *rules, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer data)
{
  Await *await = g_new0 (Await, 1);

  await->dns = herd_dns_ref (dns);
  await->task = g_task_new (NULL, NULL, callback, data);
  await->rules = *rules;
  await->records = g_ptr_array_new_with_free_func (record_free);
  await->start = herd_clock_get_monotonic (herd_dns_get_clock (dns));
  await->delay = FIRST_DELAY;
  for (; *records != NULL; records += 2)
    g_ptr_array_add (ensure_record (await->records, records[0])->values, g_strdup (records[1]));
  await->run = herd_run_new ("propagation", steps, G_N_ELEMENTS (steps), &operations, await,
                             herd_dns_get_clock (dns), NULL);
  herd_run_start (await->run, rules->check ? NULL : "settle");
  await->follow = herd_follow_new (await->run, cancellable);
}

gboolean
herd_propagation_await_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
