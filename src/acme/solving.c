// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Choosing solvers. A record knows them by their names, which outlive a restart.
 */
#include "acme/solving.h"

#include "plugin/error.h"
#include "plugin/identifier.h"
#include "util/text.h"

/* Only the DNS can speak for all names below one (RFC 8555 sections 8.3 and 8.4, RFC 8737 section
 * 3), and only a server for an address (RFC 8738 section 7). */
static gboolean
can_prove (const char *type, const char *identifier)
{
  gboolean by_dns = g_str_has_prefix (type, "dns-");

  if (herd_identifier_is_wildcard (identifier))
    return by_dns;
  return !by_dns || g_str_equal (herd_identifier_get_type_name (identifier), "dns");
}

/* "http-01, tls-alpn-01", of all SOLVERS for IDENTIFIER. */
static char *
list_types (GPtrArray *solvers, const char *identifier)
{
  g_autoptr (GPtrArray) types = g_ptr_array_new ();

  for (guint i = 0; i < solvers->len; i++) {
    const char *const *type = herd_solver_get_challenge_types (solvers->pdata[i], identifier);

    for (; type != NULL && *type != NULL; type++) {
      if (!g_ptr_array_find_with_equal_func (types, *type, g_str_equal, NULL))
        g_ptr_array_add (types, (gpointer) *type);
    }
  }
  g_ptr_array_add (types, NULL);
  return g_strjoinv (", ", (char **) types->pdata);
}

static gboolean
check_one (HerdIssuerHost *host, const char *identifier, GError **error)
{
  g_autoptr (GPtrArray) solvers = herd_issuer_host_get_solvers (host, identifier);
  g_autofree char *types = NULL;

  for (guint i = 0; i < solvers->len; i++) {
    const char *const *type = herd_solver_get_challenge_types (solvers->pdata[i], identifier);

    for (; type != NULL && *type != NULL; type++) {
      if (can_prove (*type, identifier))
        return TRUE;
    }
  }
  types = list_types (solvers, identifier);
  if (herd_identifier_is_wildcard (identifier))
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "%s needs a dns-01 solver; %s cannot prove wildcards", identifier,
                 *types != '\0' ? types : "those that are configured");
  else
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "no solver can prove %s; configure one, such as [solver http-01]", identifier);
  return FALSE;
}

gboolean
herd_solving_check (HerdIssuerHost *host, const char *const *identifiers, GError **error)
{
  for (guint i = 0; identifiers[i] != NULL; i++) {
    if (!check_one (host, identifiers[i], error))
      return FALSE;
  }
  return TRUE;
}

static const HerdOffer *
find_offer (const HerdAuthorization *authorization, const char *type)
{
  for (guint i = 0; i < authorization->offers->len; i++) {
    const HerdOffer *offer = authorization->offers->pdata[i];

    if (!offer->over && g_str_equal (offer->type, type))
      return offer;
  }
  return NULL;
}

/* The offer that failed the longest time ago, at best never; of equal ones the first. */
static const HerdOffer *
match (GPtrArray *solvers, const HerdAuthorization *authorization, HerdTried *tried,
       HerdSolver **solver)
{
  const HerdOffer *best = NULL;
  guint best_rank = G_MAXUINT;

  for (guint i = 0; i < solvers->len; i++) {
    const char *const *type = herd_solver_get_challenge_types (solvers->pdata[i],
                                                               authorization->wish);

    for (; type != NULL && *type != NULL; type++) {
      const HerdOffer *offer = can_prove (*type, authorization->wish)
                                   ? find_offer (authorization, *type)
                                   : NULL;
      guint rank = herd_tried_get_rank (tried, authorization->wish, *type);

      if (offer != NULL && rank < best_rank) {
        *solver = solvers->pdata[i];
        best = offer;
        best_rank = rank;
      }
    }
  }
  return best;
}

static void
set_no_match (GPtrArray *solvers, const HerdAuthorization *authorization, GError **error)
{
  g_autofree char *types = list_types (solvers, authorization->wish);
  g_autoptr (GString) offers = g_string_new (NULL);

  for (guint i = 0; i < authorization->offers->len; i++) {
    const HerdOffer *offer = authorization->offers->pdata[i];
    g_autofree char *type = herd_text_from_remote (offer->type, -1);

    g_string_append_printf (offers, "%s%s", offers->len > 0 ? ", " : "", type);
  }
  g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
               "%s: the CA offers %s, the solvers can do %s; configure one that fits",
               authorization->wish, offers->len > 0 ? offers->str : "no challenge",
               *types != '\0' ? types : "nothing");
}

HerdPresented *
herd_solving_choose (HerdIssuerHost *host, const HerdAuthorization *authorization, HerdTried *tried,
                     const char *thumbprint, const HerdOffer **offer, GError **error)
{
  g_autoptr (GPtrArray) solvers = herd_issuer_host_get_solvers (host, authorization->wish);
  HerdSolver *solver = NULL;
  const HerdOffer *found = match (solvers, authorization, tried, &solver);
  g_autoptr (HerdChallenge) challenge = NULL;
  g_autofree char *key_authorization = NULL;

  if (found == NULL) {
    set_no_match (solvers, authorization, error);
    return NULL;
  }
  if (!herd_challenge_token_is_valid (found->token)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "%s: the token of the CA's %s challenge is not one (RFC 8555 section 8.1)",
                 authorization->wish, found->type);
    return NULL;
  }
  key_authorization = g_strconcat (found->token, ".", thumbprint, NULL);
  challenge = herd_challenge_new (found->type, authorization->identifier, found->token,
                                  key_authorization);
  *offer = found;
  return herd_presented_new (challenge, authorization->wish,
                             herd_issuer_host_get_solver_name (host, solver), solver);
}

static void
batch_free (gpointer data)
{
  HerdBatch *batch = data;

  g_object_unref (batch->solver);
  g_ptr_array_unref (batch->challenges);
  g_free (batch);
}

static HerdBatch *
find_batch (GPtrArray *batches, HerdSolver *solver)
{
  HerdBatch *batch;

  for (guint i = 0; i < batches->len; i++) {
    batch = batches->pdata[i];
    if (batch->solver == solver)
      return batch;
  }
  batch = g_new0 (HerdBatch, 1);
  batch->solver = g_object_ref (solver);
  batch->challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  g_ptr_array_add (batches, batch);
  return batch;
}

/* Could SOLVER be the one that was chosen for PRESENTED before a restart? Old records have the name of
 * its type, which no section can have: a section's is in small letters. */
static gboolean
may_have_presented (HerdIssuerHost *host, HerdSolver *solver, const HerdPresented *presented)
{
  const char *const *types = herd_solver_get_challenge_types (solver, presented->wish);

  return (g_str_equal (herd_issuer_host_get_solver_name (host, solver), presented->solver)
          || g_str_equal (G_OBJECT_TYPE_NAME (solver), presented->solver))
         && types != NULL && g_strv_contains (types, presented->challenge->type);
}

static void
add_to_batch (GPtrArray *batches, HerdSolver *solver, HerdChallenge *challenge)
{
  g_ptr_array_add (find_batch (batches, solver)->challenges, herd_challenge_ref (challenge));
}

GPtrArray *
herd_solving_group (HerdIssuerHost *host, GPtrArray *presented)
{
  GPtrArray *batches = g_ptr_array_new_with_free_func (batch_free);

  for (guint i = 0; i < presented->len; i++) {
    HerdPresented *one = presented->pdata[i];
    g_autoptr (GPtrArray) solvers = NULL;

    if (one->instance != NULL) {
      add_to_batch (batches, HERD_SOLVER (one->instance), one->challenge);
      continue;
    }
    solvers = herd_issuer_host_get_solvers (host, one->wish);
    for (guint j = 0; j < solvers->len; j++) {
      if (may_have_presented (host, solvers->pdata[j], one))
        add_to_batch (batches, solvers->pdata[j], one->challenge);
    }
  }
  return batches;
}
