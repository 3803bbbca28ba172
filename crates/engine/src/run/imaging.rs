//! The image: from the plan to an image that is on the engine.

use super::card::PhaseName;
use super::effect::Effect;
use super::{End, ImageStep, Millis, Run, Stage, user_of};
use crate::ids::ImageRef;
use crate::message;
use crate::message::Message;
use crate::plan::image::{self, BuildSettings, Recipe};
use crate::plan::{ImageFacts, Plan};

impl Run {
    pub(super) fn resolved(&mut self, at: Millis, plan: Box<Plan>, build: BuildSettings) -> Vec<Effect> {
        let Stage::Resolving = self.stage else { return vec![] };
        self.stage = Stage::Imaging { step: ImageStep::InspectingBase };
        self.card.end_ok(PhaseName::Resolve, at, None);
        self.card.begin(PhaseName::Build, at);
        self.build = build;
        let base = plan.image.base(&self.build);
        let mut notes = plan.notes.clone();
        if let Some(seconds) = plan.timeout_seconds.filter(|_| self.wish.debug) {
            notes.push(message!("run.timeout-put-off", seconds = seconds));
        }
        let is_of_torch = plan.distribution.as_ref().is_some_and(|it| it.kind == "pytorch");
        if is_of_torch && self.wish.debug {
            notes.push(message!("plan.patience"));
        }
        self.plan = Some(plan);
        let next = match base {
            None => self.base_ready(at, None),
            Some(base) if self.wish.pull => self.wait_for(ImageStep::Pulling, Effect::PullImage(base)),
            Some(base) => self.wait_for(ImageStep::InspectingBase, Effect::InspectImage(base)),
        };
        notes.into_iter().map(Effect::Note).chain(next).collect()
    }

    pub(super) fn wait_for(&mut self, step: ImageStep, effect: Effect) -> Vec<Effect> {
        self.stage = Stage::Imaging { step };
        vec![effect]
    }

    pub(super) fn image_inspected(
        &mut self,
        at: Millis,
        reference: ImageRef,
        facts: Option<ImageFacts>,
    ) -> Vec<Effect> {
        let Stage::Imaging { step } = &self.stage else { return vec![] };
        match (step.clone(), facts) {
            (ImageStep::InspectingBase, None) => {
                self.stage = Stage::Imaging { step: ImageStep::Pulling };
                vec![Effect::PullImage(reference)]
            }
            (ImageStep::InspectingBase, Some(base)) => {
                let noted = self.note_age(&base);
                noted.into_iter().chain(self.base_ready(at, Some(base))).collect()
            }
            (ImageStep::InspectingBuilt(recipe), Some(reused)) if !self.wish.rebuild => {
                self.made(at, *recipe, reused, false)
            }
            (ImageStep::InspectingBuilt(recipe), _) => {
                self.stage = Stage::Imaging { step: ImageStep::Building(recipe.clone()) };
                vec![Effect::BuildImage(recipe)]
            }
            (ImageStep::Pulling | ImageStep::Building(_), _) => vec![],
        }
    }

    pub(super) fn image_pulled(&mut self, reference: ImageRef) -> Vec<Effect> {
        let Stage::Imaging { step: ImageStep::Pulling } = self.stage else { return vec![] };
        self.pulled = true;
        self.stage = Stage::Imaging { step: ImageStep::InspectingBase };
        vec![Effect::InspectImage(reference)]
    }

    /// Says so where the newest version is meant and an image that was pulled earlier answers for it.
    pub(super) fn note_age(&self, base: &ImageFacts) -> Option<Effect> {
        let name = self.plan.as_ref()?.newest_of.as_ref().filter(|_| !self.pulled)?;
        let built = if base.built.is_empty() { "?" } else { base.built.as_str() };
        let said = message!("image.newest-here", name = name, image = base.reference, built = built);
        Some(Effect::Note(said))
    }

    /// The first image of ours that is needed: the user's own build context, or packages on an image.
    pub(super) fn base_ready(&mut self, at: Millis, base: Option<ImageFacts>) -> Vec<Effect> {
        let Some(plan) = &self.plan else { return vec![] };
        let context = image::context_recipe(&plan.image, base.as_ref(), &self.build);
        let packages = || image::recipe(&plan.image, base.as_ref()?, &self.build);
        match (context.or_else(packages), base) {
            (Some(recipe), _) => self.look_for(recipe),
            (None, Some(base)) => {
                let said = message!("image.as-it-is", image = base.reference);
                self.image_ready(at, base, message!("phase.image-as-it-is"), Some(said))
            }
            (None, None) => vec![],
        }
    }

    pub(super) fn look_for(&mut self, mut recipe: Recipe) -> Vec<Effect> {
        recipe.afresh = self.wish.rebuild;
        let name = recipe.name.clone();
        self.making.push(name.clone());
        self.stage = Stage::Imaging { step: ImageStep::InspectingBuilt(Box::new(recipe)) };
        vec![Effect::InspectImage(name)]
    }

    pub(super) fn image_built(&mut self, at: Millis, built: ImageFacts) -> Vec<Effect> {
        let Stage::Imaging { step: ImageStep::Building(recipe) } = &self.stage else { return vec![] };
        let recipe = recipe.as_ref().clone();
        self.made(at, recipe, built, true)
    }

    /// An image of ours is there; packages may have to go on top of a build context's.
    pub(super) fn made(&mut self, at: Millis, recipe: Recipe, facts: ImageFacts, built: bool) -> Vec<Effect> {
        let is_context = recipe.folder.is_some();
        let note = Effect::NoteImage {
            name: recipe.name,
            base: recipe.base,
            parts: recipe.parts,
            size: facts.size,
            built,
        };
        let plan = self.plan.as_ref().filter(|_| is_context);
        let next = plan.and_then(|plan| image::recipe(&plan.image, &facts, &self.build));
        let effects = match next {
            Some(next) => self.look_for(next),
            None if built => self.image_ready(at, facts, message!("phase.image-built"), None),
            None => {
                let said = message!("image.reused", image = facts.reference);
                self.image_ready(at, facts, message!("phase.image-reused"), Some(said))
            }
        };
        [note].into_iter().chain(effects).collect()
    }

    /// `note` goes to the phase, `said` to the log: what a build has not said there itself.
    pub(super) fn image_ready(
        &mut self,
        at: Millis,
        facts: ImageFacts,
        note: Message,
        said: Option<Message>,
    ) -> Vec<Effect> {
        let Stage::Imaging { .. } = self.stage else { return vec![] };
        let said = said.map(Effect::Note).into_iter();
        self.card.end_ok(PhaseName::Build, at, Some(note));
        self.image = Some(facts.clone());
        self.making.clear();
        if self.wish.image_only {
            return said.chain(self.finish(End::Completed)).collect();
        }
        self.card.begin(PhaseName::Create, at);
        self.stage = Stage::Preparing { cancelled: false };
        let Some(plan) = &self.plan else { return vec![] };
        let user = user_of(plan, &facts);
        said.chain([Effect::Prepare { image: facts, user, debugger: self.wish.debug }]).collect()
    }
}
