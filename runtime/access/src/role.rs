//! What somebody may do: roles, and the rights that they have.

use std::fmt;
use std::str::FromStr;

/// What can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// See cases, proposals, skills and figures.
    Read,
    /// Begin, cancel and resume cases, and tell what became of them.
    Operate,
    /// Approve and reject proposals.
    Review,
    /// Add skills.
    Publish,
    /// Make and revoke tokens, and read the log.
    Administer,
}

impl Right {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Right::Read => "read",
            Right::Operate => "operate",
            Right::Review => "review",
            Right::Publish => "publish",
            Right::Administer => "administer",
        }
    }

    /// All of them.
    pub const ALL: [Right; 5] = [Right::Read, Right::Operate, Right::Review, Right::Publish, Right::Administer];
}

/// What a token is for. Reviewers and publishers do not imply each other: who adds code is not by that who approves its patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Works on cases.
    Operator,
    /// Works on cases, and decides of what they propose.
    Reviewer,
    /// Looks, and adds skills.
    Publisher,
    /// Everything.
    Admin,
}

/// The one table: which role has which rights.
const RIGHTS: [(Role, &[Right]); 5] = [
    (Role::Viewer, &[Right::Read]),
    (Role::Operator, &[Right::Read, Right::Operate]),
    (Role::Reviewer, &[Right::Read, Right::Operate, Right::Review]),
    (Role::Publisher, &[Right::Read, Right::Publish]),
    (Role::Admin, &Right::ALL),
];

/// A word that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no role {0:?}; there are viewer, operator, reviewer, publisher and admin")]
pub struct UnknownRole(pub String);

impl Role {
    /// All of them.
    pub const ALL: [Role; 5] = [Role::Viewer, Role::Operator, Role::Reviewer, Role::Publisher, Role::Admin];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Reviewer => "reviewer",
            Role::Publisher => "publisher",
            Role::Admin => "admin",
        }
    }

    /// What it may do.
    pub fn rights(self) -> &'static [Right] {
        RIGHTS.iter().find(|(role, _)| *role == self).map_or(&[], |(_, rights)| rights)
    }

    /// Whether it may do that.
    pub fn may(self, right: Right) -> bool {
        self.rights().contains(&right)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Role, UnknownRole> {
        Role::ALL.into_iter().find(|role| role.word() == text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_reads_and_nobody_but_admins_makes_tokens() {
        for role in Role::ALL {
            assert_eq!(role.word().parse(), Ok(role));
            assert!(role.may(Right::Read), "{role}");
            assert_eq!(role.may(Right::Administer), role == Role::Admin, "{role}");
        }
        assert!(Right::ALL.iter().all(|right| Role::Admin.may(*right)));
        assert!(Role::Reviewer.may(Right::Review) && !Role::Reviewer.may(Right::Publish));
        assert!(Role::Publisher.may(Right::Publish) && !Role::Publisher.may(Right::Review));
        assert!(Role::Operator.may(Right::Operate) && !Role::Operator.may(Right::Review));
        assert!(!Role::Viewer.may(Right::Operate) && !Role::Publisher.may(Right::Operate));
        assert!("root".parse::<Role>().unwrap_err().to_string().contains("viewer, operator"));
    }
}
