-- Once, before `keyrec init`, by an administrator of the database. Four roles, so that no job holds
-- more than it needs: the owner runs `keyrec init` and nothing else, the others have files of their
-- own beside this one. Passwords are set apart (\password keyrec_plan), or logins come from
-- certificates or the cloud's identity.

CREATE ROLE keyrec_owner LOGIN;
CREATE ROLE keyrec_apply LOGIN;
CREATE ROLE keyrec_plan LOGIN;
CREATE ROLE keyrec_verify LOGIN;

CREATE SCHEMA keyrec AUTHORIZATION keyrec_owner;
GRANT USAGE ON SCHEMA keyrec TO keyrec_apply, keyrec_plan, keyrec_verify;
