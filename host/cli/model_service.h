/* model_service.h -- assay.model/1: reward models for verifiers in this process (plugins/rm). A folder is opened once, by the
 * first verifier that names it, and stays until the end. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_MODEL_SERVICE_H
#define AS_CLI_MODEL_SERVICE_H

/* At the start of the program, before any verifier is opened; nothing is loaded yet. */
void as_cli_offer_models(void);
/* At its end: no verifier is open any more. */
void as_cli_close_models(void);
#endif
